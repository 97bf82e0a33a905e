package keys_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

type hidden[T any] struct{ v T } // fmt calls no methods of an unexported field

type shown[T any] struct{ V T }

// around returns v inside of types of a host.
func around[T any](v T) []any {
	return []any{
		v, &v, hidden[T]{v}, &hidden[T]{v}, hidden[*T]{&v}, hidden[any]{v}, hidden[any]{&v}, hidden[[]T]{[]T{v}},
		hidden[map[string]T]{map[string]T{"k": v}}, hidden[hidden[T]]{hidden[T]{v}}, shown[T]{v}, shown[*T]{&v}, shown[any]{v},
		[]T{v}, [1]T{v}, []*T{&v}, map[string]T{"k": v}, shown[hidden[*T]]{hidden[*T]{&v}}, []any{v, &v},
	}
}

// formats are all letters as verbs, with each flag and a width.
func formats() (all []string) {
	flags := []string{"", "+", "#", "-", " ", "0", "+#", "# ", "60", ".40"}
	if keys.RaceEnabled { // slow under the race detector, which finds nothing here
		flags = flags[:3]
	}
	for _, flag := range flags {
		for c := 'A'; c <= 'z'; c++ {
			if c <= 'Z' || c >= 'a' {
				all = append(all, "%"+flag+string(c))
			}
		}
	}
	return all
}

// A secret is a text or bytes that must not be printed.
type secret struct {
	name  string
	value any
}

// printedAs returns the middle of s in this format, or "" if it is not specific.
func (s secret) printedAs(format string) string {
	if _, isSlice := s.value.([]byte); isSlice && strings.HasSuffix(format, "p") {
		return "" // its address
	}
	text := fmt.Sprintf(format, s.value)
	if text = text[len(text)/4 : len(text)*3/4]; len(text) < 12 || strings.TrimSpace(text) == "" {
		return ""
	}
	return text
}

// encoded returns v as loggers and encoders write it.
func encoded(v any) string {
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
	text, _ := json.Marshal(v)
	out.Write(text)
	text, _ = xml.Marshal(v)
	out.Write(text)
	_ = gob.NewEncoder(&out).Encode(v)
	func() {
		defer func() { fmt.Fprintln(&out, recover()) }()
		panic(v)
	}()
	return out.String()
}

// requireSilent fails if any way of printing values prints one of the secrets.
func requireSilent(t *testing.T, secrets []secret, values ...any) {
	t.Helper()
	for _, format := range formats() {
		var needles []string
		for _, s := range secrets {
			needles = append(needles, s.printedAs(format))
		}
		for _, v := range values {
			text := fmt.Sprintf(format, v)
			for i, needle := range needles {
				if needle != "" && strings.Contains(text, needle) {
					t.Errorf("%s of %T prints %s", format, v, secrets[i].name)
				}
			}
		}
	}
	for _, v := range values {
		text := encoded(v)
		for _, s := range secrets {
			for _, needle := range []string{s.printedAs("%s"), s.printedAs("%v"), s.printedAs("%x"), s.printedAs("%X"), s.printedAs("%q"),
				strings.ReplaceAll(s.printedAs("%v"), " ", ","), base64.StdEncoding.EncodeToString([]byte(fmt.Sprintf("%s", s.value)))[:16]} {
				if needle != "" && strings.Contains(text, needle) {
					t.Errorf("a logger, an encoder or a panic with %T shows %s", v, s.name)
				}
			}
		}
	}
}

// secretsOf returns the secrets of a key, which must not be printed.
func secretsOf(key string, sums ...[32]byte) (all []secret) {
	all = append(all, secret{"the key", key}, secret{"the key's bytes", []byte(key)})
	for _, sum := range sums {
		all = append(all, secret{"the digest", sum}, secret{"the digest as a slice", sum[:]}, secret{"the digest as a text", string(sum[:])})
	}
	return all
}

// A record from a ring has no digest, and one in a store does not print it. No Config prints a pepper.
func TestNothingPrintsADigest(t *testing.T) {
	s := keys.NewMemoryStore()
	r := open(t, keys.Config{Store: s})
	old, rec := issue(t, r, keys.Custom{Name: "n", Scopes: []string{"a/b"}, AllowedIPs: networks("10.0.0.0/8")})
	issued, err := r.Refresh(ctx, rec.ID, keys.Renewal{Overlap: 1e12})
	require.NoError(t, err)
	key := issued.Key.Reveal()
	v, before := good(t, r, key), good(t, r, old)
	inStore := stored(t, s, rec)
	imported := keys.Imported{Kind: keys.KindCustom, Digest: inStore.Digest, ForeignID: "f"}

	secrets := append(secretsOf(key, sha256.Sum256([]byte(key))), secretsOf(old, sha256.Sum256([]byte(old)))...)
	for _, values := range [][]any{
		around(inStore), around(inStore.Digest), around(issued), around(v), around(before), around(v.Record()), around(r), around(*r), around(imported),
		around([]keys.Digest{inStore.Digest, inStore.Previous}), around(map[keys.Verified]int{v: 1}),
	} {
		requireSilent(t, secrets, values...)
	}
	// A printer that follows every pointer, such as that of a failed assertion, finds none either.
	require.NoError(t, r.Close(ctx)) // the printer reads atomics too, so nothing may be running
	var out collector
	for _, v := range []any{hidden[keys.Record]{inStore}, inStore.Digest, issued, hidden[keys.Verified]{v}, before} {
		require.False(t, assert.Equal(&out, v, reflect.Zero(reflect.TypeOf(v)).Interface()))
	}
	require.Contains(t, out.String(), "Generation")
	for _, s := range secrets {
		require.NotContains(t, strings.Join(strings.Fields(out.String()), " "), s.printedAs("%#v"), s.name)
		require.NotContains(t, strings.Join(strings.Fields(out.String()), ""), s.printedAs("%x"), s.name)
	}
	p := pepper("1")
	for _, values := range [][]any{around(p), around([]keys.Pepper{p}), around(keys.Config{Peppers: []keys.Pepper{p}})} {
		requireSilent(t, []secret{{"the pepper", pepperSecret("1")}, {"the pepper's text", string(pepperSecret("1"))}}, values...)
	}
	require.Equal(t, "[digest]", inStore.Digest.String())
	require.Empty(t, keys.Digest{}.String())
}

// A crash prints the value of the panic.
func TestAPanicPrintsNoDigest(t *testing.T) {
	const name = "LATCHKEY_PANIC"
	if key := os.Getenv(name); key != "" {
		digest := keys.NewDigest(keys.SHA256, sha256.Sum256([]byte(key)))
		defer panic(hidden[keys.Digest]{digest})
		defer panic(fmt.Sprintf("%v %+v", hidden[keys.Record]{keys.Record{Digest: digest}}, digest))
		panic(digest)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), name+"="+legacyText, "GOTRACEBACK=all")
	text, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(text), "panic: ")
	for _, s := range secretsOf(legacyText, sha256.Sum256([]byte(legacyText))) {
		for _, format := range []string{"%v", "%x"} {
			require.NotContains(t, string(text), s.printedAs(format), s.name)
		}
	}
}

// No method returns a record with a digest.
func TestARingReturnsNoDigest(t *testing.T) {
	onBoth(t, func(t *testing.T, s keys.Store) {
		r := open(t, keys.Config{Store: s, ImportedKeys: true})
		bare := func(rec keys.Record, err error) keys.Record {
			t.Helper()
			require.NoError(t, err)
			require.True(t, rec.Digest.IsZero() && rec.Previous.IsZero())
			return rec
		}
		user, err := r.IssueUser(ctx, "ada", keys.User{})
		bare(user.Record, err)
		custom, err := r.IssueCustom(ctx, keys.Custom{})
		id := bare(custom.Record, err).ID
		renewed, err := r.Refresh(ctx, id, keys.Renewal{Overlap: 1e12})
		bare(renewed.Record, err)
		bare(r.Update(ctx, id, func(st *keys.Settings) error { st.Name = "n"; return nil }))
		bare(r.Update(ctx, id, func(st *keys.Settings) error { return nil }))
		bare(r.Get(ctx, id))
		bare(r.CheckImport(ctx, keys.Imported{Kind: keys.KindCustom, Text: keys.NewKey(legacyText)}))
		bare(r.Import(ctx, keys.Imported{Kind: keys.KindCustom, Text: keys.NewKey(legacyText)}))
		list, err := r.List(ctx, keys.Filter{})
		require.Len(t, list, 3)
		for _, rec := range list {
			bare(rec, err)
		}
		for _, key := range []string{custom.Key.Reveal(), renewed.Key.Reveal(), legacyText} {
			v := good(t, r, key)
			bare(v.Record(), nil)
			again, err := r.Recheck(ctx, v)
			bare(again.Record(), err)
			bare(r.Current(ctx, again))
		}
		require.False(t, stored(t, s, renewed.Record).Previous.IsZero(), "the store still has them")
	})
}
