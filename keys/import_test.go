package keys_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

// legacyText has the shape that Cockpit prints, and no checksum.
const legacyText = "API-4f0e9d1c8b7a65123490fedcba5a6b7c8d9e0f11"

func TestImport(t *testing.T) {
	onBoth(t, func(t *testing.T, s keys.Store) {
		r := open(t, keys.Config{Store: s, Peppers: []keys.Pepper{pepper("1")}})
		made := time.Now().Add(-time.Hour)
		random := "Zq7-x0TfK2m9LwPb4RyVhC8sDgN1aJeU"
		for text, in := range map[string]keys.Imported{
			legacyText:              {Kind: keys.CustomKey, Role: "editor", ForeignID: "5f1"},
			"USR-" + legacyText[4:]: {Kind: keys.UserKey, UserID: "anna", ForeignID: "5f2"},
			sealed("API-94f0c2d81be7356a0f5d27c3e8a1b469"): {Kind: keys.CustomKey},
			random:                      {Kind: keys.CustomKey, CreatedAt: made},
			"ключ-7f3a92 длинный 0x5c8": {Kind: keys.CustomKey, AllowWeak: true},
			"public":                    {Kind: keys.CustomKey, AllowWeak: true, Disabled: true},
			"account-" + strings.Repeat("0af9", 2) + "5d1c8b7a65123490fedcba5a6b7c8d9e0f11": {Kind: keys.UserKey, UserID: "old"},
		} {
			malformed := keys.ErrMalformed
			if r.Format().Valid(text) {
				malformed = keys.ErrUnknown
			}
			refused(t, r, text, malformed)
			in.Text = text
			rec, err := r.Import(ctx, in)
			require.NoError(t, err, text)
			require.True(t, rec.Legacy)
			require.Equal(t, in.AllowWeak, rec.Weak)
			require.Equal(t, "hmac-sha256:1", rec.Digest.Algorithm)
			if !in.CreatedAt.IsZero() {
				require.True(t, made.UTC().Truncate(time.Microsecond).Equal(rec.CreatedAt))
			}
			if in.Disabled {
				refused(t, r, text, keys.ErrDisabled)
				require.NoError(t, r.Enable(ctx, rec.ID))
			}
			v := good(t, r, text)
			require.Equal(t, in.Role, v.Role())
			require.Equal(t, in.UserID, v.UserID())
			refused(t, r.In("b"), text, malformed)
			for _, wrong := range []string{text + "x", " " + text, text[1:], strings.ToUpper(text) + "!"} {
				refused(t, r, wrong, keys.ErrMalformed)
			}
			_, err = r.Import(ctx, keys.Imported{Kind: in.Kind, UserID: in.UserID, Text: text, AllowWeak: true})
			require.ErrorIs(t, err, keys.ErrExists)

			renewed, err := r.Refresh(ctx, rec.ID, keys.Renewal{})
			require.NoError(t, err)
			require.False(t, renewed.Record.Legacy || renewed.Record.Weak)
			refused(t, r, text, malformed)
			good(t, r, renewed.Key.Reveal())
		}
		for text, want := range map[string]string{legacyText: "API-…0f11", random: "…aJeU", "public": "…", "API-short": "API-…"} {
			require.Equal(t, want, hintOf(t, text))
		}
	})
}

func hintOf(t *testing.T, text string) string {
	r := open(t, keys.Config{Store: keys.NewMemoryStore(), Peppers: []keys.Pepper{pepper("1")}})
	rec, err := r.Import(ctx, keys.Imported{Kind: keys.CustomKey, Text: text, AllowWeak: true})
	require.NoError(t, err)
	return rec.Hint
}

func TestImportRefuses(t *testing.T) {
	r := open(t, keys.Config{Store: keys.NewMemoryStore(), Peppers: []keys.Pepper{pepper("1")}})
	bare := open(t, keys.Config{Store: keys.NewMemoryStore()})
	text := legacyText[4:]
	sum := sha256.Sum256([]byte(text))
	for why, in := range map[string]keys.Imported{
		"neither a text nor":      {},
		"longer than 256":         {Text: strings.Repeat(text, 7)},
		"UTF-8":                   {Text: text + "\xff"},
		"blank at its":            {Text: text + " "},
		"blank at its beginning":  {Text: "\u00a0" + text},
		"blank at its  beginning": {Text: "\t" + text},
		"comma":                   {Text: text[:20] + "," + text[20:]},
		"control":                 {Text: text[:20] + "\x7f" + text[20:]},
		"control ":                {Text: text[:20] + "\t" + text[20:]},
		"control  ":               {Text: text[:20] + "\u0085" + text[20:]},
		"scheme":                  {Text: "bearer " + text},
		"scheme ":                 {Text: "BASIC " + text},
		"scheme  ":                {Text: "Token " + text},
		"scheme   ":               {Text: "Bearer", AllowWeak: true},
		"other kind":              {Text: "USR-" + text},
		"less than 112":           {Text: "public"},
		"less than 112 ":          {Text: strings.Repeat("0a9f", 20)},
		"has no role":             {Text: text, Kind: keys.UserKey, UserID: "a", Role: "admin"},
		"belongs to no user":      {Text: text, UserID: "a"},
		"user's or a custom":      {Text: text, Kind: "root"},
		"foreign ID":              {Text: text, ForeignID: "a\n"},
		"user ID has 0":           {Text: text, Kind: keys.UserKey},
		"besides":                 {Text: text, Hint: "x"},
		"besides ":                {Text: text, Strong: true},
		"besides  ":               {Text: text, Digest: keys.Digest{Algorithm: keys.SHA256, Sum: sum}},
		"that this ring":          {Digest: keys.Digest{Algorithm: keys.SHA256}, Strong: true},
		"that this ring can":      {Digest: keys.Digest{Algorithm: "md5", Sum: sum}, Strong: true},
		"that this ring can make": {Digest: keys.Digest{Algorithm: "hmac-sha256:2", Sum: sum}, Strong: true},
		"or may have":             {Digest: keys.Digest{Algorithm: keys.SHA256, Sum: sum}},
		"only taken under":        {Digest: keys.Digest{Algorithm: keys.SHA256, Sum: sum}, AllowWeak: true},
		"hint has":                {Digest: keys.Digest{Algorithm: keys.SHA256, Sum: sum}, Strong: true, Hint: legacyText},
	} {
		if in.Kind == "" {
			in.Kind = keys.CustomKey
		}
		_, err := r.Import(ctx, in)
		require.ErrorIs(t, err, keys.ErrRefused, why)
		require.ErrorContains(t, err, strings.Join(strings.Fields(why), " "))
		require.NotContains(t, err.Error(), text)
	}
	_, err := bare.Import(ctx, keys.Imported{Kind: keys.CustomKey, Text: "public", AllowWeak: true})
	require.ErrorIs(t, err, keys.ErrRefused, "weak only under a pepper")

	// As a digest: with the host's word, or weak under a pepper.
	rec, err := bare.Import(ctx, keys.Imported{Kind: keys.CustomKey, Strong: true, Hint: "…0f11", Digest: keys.Digest{Algorithm: keys.SHA256, Sum: sum}})
	require.NoError(t, err)
	require.False(t, rec.Weak)
	good(t, bare, text)
	rec, err = r.Import(ctx, keys.Imported{Kind: keys.CustomKey, AllowWeak: true, Digest: keys.Digest{Algorithm: "hmac-sha256:1", Sum: sum}})
	require.NoError(t, err)
	require.True(t, rec.Weak)

	// A digest's text is not known, so neither is the prefix; the kind is the record's.
	odd := sealed("USR-00112233445566778899aabbccddeeff")
	_, err = bare.Import(ctx, keys.Imported{Kind: keys.CustomKey, Strong: true, Digest: keys.Digest{Algorithm: keys.SHA256, Sum: sha256.Sum256([]byte(odd))}})
	require.NoError(t, err)
	require.Equal(t, keys.CustomKey, good(t, bare, odd).Kind())

	// The same text under an older pepper is the same key.
	s := keys.NewMemoryStore()
	_, err = open(t, keys.Config{Store: s}).Import(ctx, keys.Imported{Kind: keys.CustomKey, Text: legacyText})
	require.NoError(t, err)
	_, err = open(t, keys.Config{Store: s, Peppers: []keys.Pepper{pepper("1")}}).Import(ctx, keys.Imported{Kind: keys.CustomKey, Text: legacyText})
	require.ErrorIs(t, err, keys.ErrExists)
}

func TestStrength(t *testing.T) {
	for text, strong := range map[string]bool{
		"":                                   false,
		"public":                             false,
		"master":                             false,
		legacyText[4:]:                       true,
		strings.Repeat("a", 256):             false,
		strings.Repeat("ab12", 64):           false,
		strings.Repeat("password", 20) + "1": false,
		"abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRS": false,
		"0123456789012345678901234567890123456789":                false,
		"correct horse battery staple 2024 and one more":          false,
		"thisismyverysecretkeyforthewebsite":                      false,
		"00000000-0000-0000-0000-000000000001":                    false,
		"f47ac10b-58cc-4372-a567-0e02b2c3d479":                    true,
	} {
		require.Equal(t, strong, keys.Strength(text) >= 112, "%q: %.0f bits", text, keys.Strength(text))
	}
	// Texts that are random pass: Cockpit's 40 hex digits, 32 hex digits, 24 bytes in base64; 13 bytes never do.
	seed := uint64(time.Now().UnixNano())
	rnd := rand.New(rand.NewPCG(seed, 0))
	t.Log("seed", seed)
	var missed [3]int
	const n = 5000
	for range n {
		b := make([]byte, 24)
		for i := range b {
			b[i] = byte(rnd.Uint32())
		}
		for i, text := range []string{hex.EncodeToString(b[:20]), hex.EncodeToString(b[:16]), base64.RawURLEncoding.EncodeToString(b)} {
			if keys.Strength(text) < 112 {
				missed[i]++
			}
		}
		require.Less(t, keys.Strength(hex.EncodeToString(b[:13])), 112.0)
	}
	t.Log("missed of", n, missed)
	require.Zero(t, missed[0])
	require.Less(t, missed[1], n/50)
	require.Less(t, missed[2], n/50)
}

// Junk costs no look-up: with and without imported keys, and whatever the store does.
func TestJunkIsCheap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counting{Store: keys.NewMemoryStore()}
		r := open(t, keys.Config{Store: c})
		junk := func(n int) {
			for i := range n {
				refused(t, r, fmt.Sprintf("API-%040x", i), keys.ErrMalformed)
				refused(t, r, strings.Repeat("x", i%300), keys.ErrMalformed)
			}
		}
		refused(t, r, "", keys.ErrMalformed)
		refused(t, r, strings.Repeat("x", 257), keys.ErrMalformed)
		require.Zero(t, c.lists.Load(), "empty and too long are never more than that")
		junk(1000)
		require.Zero(t, c.finds.Load())
		require.EqualValues(t, 1, c.lists.Load())

		elsewhere := open(t, keys.Config{Store: c})
		_, err := elsewhere.Import(ctx, keys.Imported{Kind: keys.CustomKey, Text: legacyText})
		require.NoError(t, err)
		c.finds.Store(0) // Import's own
		good(t, elsewhere, legacyText)
		require.EqualValues(t, 1, c.finds.Load())
		refused(t, r, legacyText, keys.ErrMalformed) // five seconds are not over on this node
		time.Sleep(5 * time.Second)
		good(t, r, legacyText)
		require.EqualValues(t, 2, c.finds.Load())
		require.EqualValues(t, 2, c.lists.Load())
		junk(1000)
		require.EqualValues(t, 2, c.finds.Load())
		require.EqualValues(t, 2, c.lists.Load())

		// What is in the set needs no reading, however old the set is.
		time.Sleep(time.Hour)
		good(t, r, legacyText)
		require.EqualValues(t, 2, c.lists.Load())

		// The old value of an imported key lives on through an overlap, on every node and after each reading.
		list, err := r.List(ctx, keys.Filter{Legacy: true})
		require.NoError(t, err)
		renewed, err := elsewhere.Refresh(ctx, list[0].ID, keys.Renewal{Overlap: time.Hour})
		require.NoError(t, err)
		time.Sleep(10 * time.Second)
		junk(1)
		good(t, r, legacyText)
		good(t, elsewhere, legacyText)
		good(t, r, renewed.Key.Reveal())
		synctest.Wait()
		time.Sleep(time.Hour)
		refused(t, r, legacyText, keys.ErrUnknown)
		_, err = r.Update(ctx, list[0].ID, func(s *keys.Settings) error { s.Name = "settled"; return nil })
		require.NoError(t, err)
		refused(t, r, legacyText, keys.ErrMalformed)
		good(t, r, renewed.Key.Reveal())
	})
}

// As long as the list of imported keys cannot be read, junk is no verdict; and it does not beat the store.
func TestLegacyListFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := keys.NewMemoryStore()
		f := &faulty{Store: s}
		c := &counting{Store: f}
		r := open(t, keys.Config{Store: c})
		_, err := open(t, keys.Config{Store: s}).Import(ctx, keys.Imported{Kind: keys.CustomKey, Text: legacyText})
		require.NoError(t, err)
		key, _ := issue(t, r, keys.Custom{})
		f.fail.Store(true)
		for range 100 {
			noVerdict(t, r, legacyText)
			noVerdict(t, r, "junk")
		}
		require.EqualValues(t, 1, c.lists.Load())
		f.fail.Store(false)
		good(t, r, key)
		time.Sleep(time.Second)
		good(t, r, legacyText)
		refused(t, r, "junk", keys.ErrMalformed)

		time.Sleep(time.Minute)
		f.fail.Store(true)
		noVerdict(t, r, "junk")
		f.fail.Store(false)
		good(t, r, legacyText) // known before: worth a look-up without the list
	})
}

// slowList lists slower than a request can wait, or not at all.
type slowList struct {
	keys.Store
	takes time.Duration
}

func (s slowList) List(ctx context.Context, space string, f keys.Filter) ([]keys.Record, error) {
	time.Sleep(s.takes)
	return s.Store.List(ctx, space, f)
}

// A long list is read once, in the background, while requests are told to come again.
func TestLegacyListIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := keys.NewMemoryStore()
		_, err := open(t, keys.Config{Store: s}).Import(ctx, keys.Imported{Kind: keys.CustomKey, Text: legacyText})
		require.NoError(t, err)
		c := &counting{Store: slowList{s, 10 * time.Second}}
		r := open(t, keys.Config{Store: c})
		key, _ := issue(t, r, keys.Custom{})
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() { noVerdict(t, r, "junk") })
		}
		wg.Wait()
		good(t, r, key)
		time.Sleep(9 * time.Second)
		good(t, r, legacyText)
		refused(t, r, "junk", keys.ErrMalformed)
		require.EqualValues(t, 1, c.lists.Load())
	})
}

// Beyond its bound the set says "perhaps" to everything, and nothing is refused wrongly.
func TestLegacyBound(t *testing.T) {
	defer keys.SetMaxLegacy(10)()
	onBoth(t, func(t *testing.T, inner keys.Store) {
		importer := open(t, keys.Config{Store: inner})
		for i := range 30 {
			_, err := importer.Import(ctx, keys.Imported{Kind: keys.CustomKey, Text: fmt.Sprintf("%s%02d", legacyText, i)})
			require.NoError(t, err)
		}
		for _, r := range []*keys.Ring{importer, open(t, keys.Config{Store: inner})} {
			for i := range 30 {
				good(t, r, fmt.Sprintf("%s%02d", legacyText, i))
			}
			refused(t, r, legacyText, keys.ErrMalformed)
		}
	})
}
