package keys_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

// legacyText has the shape that Cockpit prints, and no checksum.
const legacyText = "API-4f0e9d1c8b7a65123490fedcba5a6b7c8d9e0f11"

func TestImport(t *testing.T) {
	onBoth(t, func(t *testing.T, s keys.Store) {
		r := open(t, keys.Config{Store: s, ImportedKeys: true, Peppers: []keys.Pepper{pepper("1")}})
		made := time.Now().Add(-time.Hour)
		random := "Zq7-x0TfK2m9LwPb4RyVhC8sDgN1aJeU"
		for text, in := range map[string]keys.Imported{
			legacyText:              {Kind: keys.KindCustom, Role: "editor", ForeignID: "5f1"},
			"USR-" + legacyText[4:]: {Kind: keys.KindUser, UserID: "anna", ForeignID: "5f2"},
			sealed("API-94f0c2d81be7356a0f5d27c3e8a1b469"): {Kind: keys.KindCustom},
			random:                      {Kind: keys.KindCustom, CreatedAt: made},
			"ключ-7f3a92 длинный 0x5c8": {Kind: keys.KindCustom, AllowWeak: true},
			"public":                    {Kind: keys.KindCustom, AllowWeak: true, Disabled: true},
			"account-" + strings.Repeat("0af9", 2) + "5d1c8b7a65123490fedcba5a6b7c8d9e0f11": {Kind: keys.KindUser, UserID: "old"},
		} {
			malformed := keys.ErrMalformed
			if r.Format().Valid(text) {
				malformed = keys.ErrUnknown
			}
			refused(t, r, text, malformed)
			in.Text = keys.NewKey(text)
			rec, err := r.Import(ctx, in)
			require.NoError(t, err, text)
			require.Equal(t, !r.Format().Valid(text), rec.Legacy)
			require.Equal(t, in.AllowWeak, rec.Weak)
			algorithm, _ := stored(t, s, rec).Digest.Reveal()
			require.Equal(t, "hmac-sha256:1", algorithm)
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
			_, err = r.Import(ctx, keys.Imported{Kind: in.Kind, UserID: in.UserID, Text: keys.NewKey(text), AllowWeak: true})
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
	r := open(t, keys.Config{Store: keys.NewMemoryStore(), ImportedKeys: true, Peppers: []keys.Pepper{pepper("1")}})
	rec, err := r.Import(ctx, keys.Imported{Kind: keys.KindCustom, Text: keys.NewKey(text), AllowWeak: true})
	require.NoError(t, err)
	return rec.Hint
}

// A hint shows four characters of at least twenty, of any length in bytes.
func TestHintOfShortText(t *testing.T) {
	require.Equal(t, "…", hintOf(t, "ключ-к-замку"), "twelve characters in 22 bytes")
}

func TestImportRefuses(t *testing.T) {
	r := open(t, keys.Config{Store: keys.NewMemoryStore(), ImportedKeys: true, Peppers: []keys.Pepper{pepper("1")}})
	bare := open(t, keys.Config{Store: keys.NewMemoryStore(), ImportedKeys: true})
	text := legacyText[4:]
	sum := sha256.Sum256([]byte(text))
	for why, in := range map[string]keys.Imported{
		"has no text, and no":     {},
		"longer than 256":         {Text: keys.NewKey(strings.Repeat(text, 7))},
		"UTF-8":                   {Text: keys.NewKey(text + "\xff")},
		"blank at its":            {Text: keys.NewKey(text + " ")},
		"blank at its beginning":  {Text: keys.NewKey("\u00a0" + text)},
		"blank at its  beginning": {Text: keys.NewKey("\t" + text)},
		"comma":                   {Text: keys.NewKey(text[:20] + "," + text[20:])},
		"control":                 {Text: keys.NewKey(text[:20] + "\x7f" + text[20:])},
		"control ":                {Text: keys.NewKey(text[:20] + "\t" + text[20:])},
		"control  ":               {Text: keys.NewKey(text[:20] + "\u0085" + text[20:])},
		"scheme":                  {Text: keys.NewKey("bearer " + text)},
		"scheme ":                 {Text: keys.NewKey("BASIC " + text)},
		"scheme  ":                {Text: keys.NewKey("Token " + text)},
		"scheme   ":               {Text: keys.NewKey("Bearer"), AllowWeak: true},
		"other kind":              {Text: keys.NewKey("USR-" + text)},
		"less than 112":           {Text: keys.NewKey("public")},
		"less than 112 ":          {Text: keys.NewKey(strings.Repeat("0a9f", 20))},
		"has no role":             {Text: keys.NewKey(text), Kind: keys.KindUser, UserID: "a", Role: "admin"},
		"belongs to no user":      {Text: keys.NewKey(text), UserID: "a"},
		"neither user nor":        {Text: keys.NewKey(text), Kind: "root"},
		"foreign ID":              {Text: keys.NewKey(text), ForeignID: "a\n"},
		"user ID has 0":           {Text: keys.NewKey(text), Kind: keys.KindUser},
		"excludes":                {Text: keys.NewKey(text), Hint: "x"},
		"excludes ":               {Text: keys.NewKey(text), Strong: true},
		"excludes  ":              {Text: keys.NewKey(text), Digest: keys.NewDigest(keys.SHA256, sum)},
		"that this ring":          {Digest: keys.NewDigest(keys.SHA256, [32]byte{}), Strong: true},
		"that this ring can":      {Digest: keys.NewDigest("md5", sum), Strong: true},
		"that this ring can make": {Digest: keys.NewDigest("hmac-sha256:2", sum), Strong: true},
		"or may have":             {Digest: keys.NewDigest(keys.SHA256, sum)},
		"only taken under":        {Digest: keys.NewDigest(keys.SHA256, sum), AllowWeak: true},
		"hint has":                {Digest: keys.NewDigest(keys.SHA256, sum), Strong: true, Hint: legacyText},
	} {
		if in.Kind == "" {
			in.Kind = keys.KindCustom
		}
		_, err := r.Import(ctx, in)
		require.ErrorIs(t, err, keys.ErrRefused, why)
		require.ErrorContains(t, err, strings.Join(strings.Fields(why), " "))
		require.NotContains(t, err.Error(), text)
	}
	_, err := bare.Import(ctx, keys.Imported{Kind: keys.KindCustom, Text: keys.NewKey("public"), AllowWeak: true})
	require.ErrorIs(t, err, keys.ErrRefused, "weak only under a pepper")

	// As a digest: with Strong, or weak under a pepper.
	rec, err := bare.Import(ctx, keys.Imported{Kind: keys.KindCustom, Strong: true, Hint: "…0f11", Digest: keys.NewDigest(keys.SHA256, sum)})
	require.NoError(t, err)
	require.False(t, rec.Weak)
	good(t, bare, text)
	rec, err = r.Import(ctx, keys.Imported{Kind: keys.KindCustom, AllowWeak: true, Digest: keys.NewDigest("hmac-sha256:1", sum)})
	require.NoError(t, err)
	require.True(t, rec.Weak)

	// A digest's text is not known, so neither is the prefix; the kind is the record's.
	odd := sealed("USR-00112233445566778899aabbccddeeff")
	_, err = bare.Import(ctx, keys.Imported{Kind: keys.KindCustom, Strong: true, Digest: keys.NewDigest(keys.SHA256, sha256.Sum256([]byte(odd)))})
	require.NoError(t, err)
	require.Equal(t, keys.KindCustom, good(t, bare, odd).Kind())

	// The same text under an older pepper is the same key.
	s := keys.NewMemoryStore()
	_, err = open(t, keys.Config{Store: s, ImportedKeys: true}).Import(ctx, keys.Imported{Kind: keys.KindCustom, Text: keys.NewKey(legacyText)})
	require.NoError(t, err)
	_, err = open(t, keys.Config{Store: s, ImportedKeys: true, Peppers: []keys.Pepper{pepper("1")}}).Import(ctx, keys.Imported{Kind: keys.KindCustom, Text: keys.NewKey(legacyText)})
	require.ErrorIs(t, err, keys.ErrExists)
}

// CheckImport returns the same as Import, and changes nothing, not even a time of last use.
func TestCheckImport(t *testing.T) {
	onBoth(t, func(t *testing.T, s keys.Store) {
		var l ledger
		r := open(t, keys.Config{Store: s, LastUsed: &l, ImportedKeys: true, Peppers: []keys.Pepper{pepper("1")}})
		in := keys.Imported{Kind: keys.KindCustom, Text: keys.NewKey("public"), Role: "reader", ForeignID: "f"}
		_, err := r.CheckImport(ctx, in)
		require.ErrorIs(t, err, keys.ErrRefused)
		in.AllowWeak = true
		would, err := r.CheckImport(ctx, in)
		require.NoError(t, err)
		require.True(t, would.Weak && would.Legacy)
		require.Empty(t, would.ID)
		all, err := r.List(ctx, keys.Filter{})
		require.NoError(t, err)
		require.Empty(t, all)
		refused(t, r, in.Text.Reveal(), keys.ErrMalformed)

		rec, err := r.Import(ctx, in)
		require.NoError(t, err)
		would.ID, would.CreatedAt, would.Generation, would.Sole = rec.ID, rec.CreatedAt, rec.Generation, rec.Sole
		require.Equal(t, rec, would)
		_, err = r.CheckImport(ctx, in)
		require.ErrorIs(t, err, keys.ErrExists)
		require.Zero(t, keys.Pending(r))
		require.NoError(t, r.Close(ctx))
		require.Zero(t, l.count())
		_, err = r.CheckImport(ctx, in)
		require.ErrorIs(t, err, keys.ErrClosed)
	})
}

// A program that reads a batch for Import may log it.
func TestImportedPrintsWithoutItsText(t *testing.T) {
	in := keys.Imported{Kind: keys.KindCustom, Text: keys.NewKey("USR-0123456789abcdef"), ForeignID: "f1"}
	b, err := json.Marshal([]keys.Imported{in})
	require.NoError(t, err)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("importing", "batch", []keys.Imported{in}, "one", in)
	for _, text := range []string{string(b), log.String(), fmt.Sprintf("%v %+v %#v %v", in, in, struct{ in keys.Imported }{in}, []keys.Imported{in})} {
		require.Contains(t, text, "f1")
		require.NotContains(t, text, in.Text.Reveal())
	}
}
