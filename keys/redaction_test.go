package keys_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

// collector is a testify TestingT that collects the output of assertions.
type collector struct{ strings.Builder }

func (c *collector) Errorf(format string, a ...any) { fmt.Fprintf(c, format, a...) }

// No way of printing a key or its record prints the key; no way of logging a record prints a digest.
func TestNothingShowsAKey(t *testing.T) {
	s := keys.NewMemoryStore()
	r := open(t, keys.Config{Store: s, ImportedKeys: true, Peppers: []keys.Pepper{pepper("1")}})
	issued, err := r.IssueCustom(ctx, keys.Custom{Name: "n"})
	require.NoError(t, err)
	key := issued.Key.Reveal()
	verified := good(t, r, key)
	type hiding struct{ k keys.Key } // fmt calls no methods of an unexported field
	type deep struct{ h *hiding }    // nor of this one
	type open struct{ K keys.Key }   // but of this one
	imported := keys.Imported{Kind: keys.KindCustom, Text: keys.NewKey(key), ForeignID: "f"}

	var out bytes.Buffer
	text := slog.New(slog.NewTextHandler(&out, nil))
	jsonl := slog.New(slog.NewJSONHandler(&out, nil))
	values := []any{
		issued.Key, &issued.Key, hiding{issued.Key}, deep{&hiding{issued.Key}}, &hiding{issued.Key}, open{issued.Key},
		[]keys.Key{issued.Key}, map[string]keys.Key{"k": issued.Key}, map[keys.Key]int{issued.Key: 1},
		issued, &issued, issued.Record, &issued.Record, stored(t, s, issued.Record).Digest, verified, &verified, r, imported, pepper("1"),
		keys.Config{Peppers: []keys.Pepper{pepper("1")}},
	}
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%T", "%60v", "%o", "%e", "%U", "%c"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		fmt.Fprintln(&out, v)
		text.Info("x", "v", v)
		jsonl.Info("x", "v", v)
		if _, isMap := v.(map[keys.Key]int); !isMap {
			if _, isImported := v.(keys.Imported); !isImported { // a host's own input; it prints and logs without
				b, _ := json.Marshal(v)
				out.Write(b)
			}
		}
		b, _ := xml.Marshal(v)
		if _, isImported := v.(keys.Imported); !isImported {
			out.Write(b)
		}
	}
	verb := "%p"
	fmt.Fprintf(&out, verb, issued.Key) // calls no methods at all, and vet refuses it
	var c collector
	assert.Equal(&c, issued.Key, keys.Key{})
	assert.Equal(&c, hiding{issued.Key}, hiding{})
	assert.Equal(&c, deep{&hiding{issued.Key}}, deep{})
	assert.Equal(&c, open{issued.Key}, open{})
	assert.Equal(&c, "x", issued.Key)
	require.NotEmpty(t, c.String())
	out.WriteString(c.String())

	for _, err := range []error{
		func() error { _, err := r.Verify(ctx, key+"x"); return err }(),
		func() error { _, err := r.In("b").Verify(ctx, key); return err }(),
		func() error {
			_, err := r.Import(ctx, keys.Imported{Kind: keys.KindCustom, Text: keys.NewKey(key)})
			return err
		}(),
		func() error {
			_, err := r.Import(ctx, keys.Imported{Kind: keys.KindUser, UserID: "a", Text: keys.NewKey(key)})
			return err
		}(),
		func() error {
			_, err := r.Import(ctx, keys.Imported{Kind: keys.KindCustom, Text: keys.NewKey(key + ",")})
			return err
		}(),
		func() error {
			_, err := r.Import(ctx, keys.Imported{Kind: keys.KindCustom, Hint: key, Strong: true, Digest: keys.NewDigest(keys.SHA256, [32]byte{1})})
			return err
		}(),
	} {
		require.Error(t, err)
		fmt.Fprintf(&out, "%v %+v %#v", err, err, err)
	}

	_, sum := stored(t, s, issued.Record).Digest.Reveal()
	for name, secret := range map[string]string{
		"the key":            key,
		"its digits":         key[4:40],
		"the key in hex":     hex.EncodeToString([]byte(key)),
		"the digest in hex":  hex.EncodeToString(sum[:]),
		"the digest, listed": strings.Trim(fmt.Sprint(sum[:8]), "[]"),
		"the digest, JSON":   strings.ReplaceAll(strings.Trim(fmt.Sprint(sum[:8]), "[]"), " ", ","),
		"the pepper":         string(pepperSecret("1")),
		"the pepper in hex":  hex.EncodeToString(pepperSecret("1")),
		"the pepper, listed": strings.Trim(fmt.Sprint(pepperSecret("1")), "[]"),
	} {
		if i := strings.Index(strings.ToLower(out.String()), strings.ToLower(secret)); i >= 0 {
			t.Errorf("%s is shown: …%q…", name, out.String()[max(0, i-80):min(out.Len(), i+20)])
		}
	}
	require.Contains(t, out.String(), issued.Record.Hint)
	require.Equal(t, key[:4]+"…"+key[40:], issued.Record.Hint)
	require.Equal(t, issued.Record.Hint, issued.Key.String())

	b, err := json.Marshal(map[string]any{"key": issued.Key})
	require.NoError(t, err)
	require.JSONEq(t, `{"key":"`+issued.Record.Hint+`"}`, string(b))
	var zero keys.Key
	require.Empty(t, zero.Reveal()+zero.String()+fmt.Sprintf("%v%d", zero, zero))
}
