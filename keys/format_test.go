package keys_test

import (
	"fmt"
	"hash/crc32"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

// sealed appends the checksum.
func sealed(text string) string { return fmt.Sprintf("%s%08x", text, crc32.ChecksumIEEE([]byte(text))) }

func TestFormat(t *testing.T) {
	r := open(t, keys.Config{Store: keys.NewMemoryStore()})
	f := r.Format()
	require.Equal(t, `\b(?:USR-|API-)[0-9a-f]{40}\b`, f.Pattern())
	zeros := strings.Repeat("0", 32)
	for text, want := range map[string]bool{
		sealed("API-" + zeros):                         true,
		sealed("USR-" + zeros):                         true,
		sealed("API-0123456789abcdef0123456789abcdef"): true,
		sealed("API-0123456789ABCDEF0123456789abcdef"): false,
		strings.ToUpper(sealed("API-" + zeros)):        false,
		sealed("api-" + zeros):                         false,
		sealed("XYZ-" + zeros):                         false,
		sealed(zeros):                                  false,
		sealed("API-" + zeros[:31]):                    false,
		sealed("API-" + zeros + "0"):                   false,
		sealed("API-"+zeros) + "0":                     false,
		sealed("API-"+zeros) + " ":                     false,
		" " + sealed("API-"+zeros):                     false,
		sealed("API-" + zeros)[:43]:                    false,
		"USR-" + sealed("API-" + zeros)[4:]:            false, // the checksum covers the prefix
		"API-" + zeros + zeros[:8]:                     false,
		"":                                             false,
		"API-":                                         false,
		"API-" + strings.Repeat("g", 40):               false,
		"API-" + strings.Repeat("０", 40):               false,
		"API-" + strings.Repeat("\x00", 40):            false,
	} {
		require.Equal(t, want, f.Valid(text), "%q", text)
	}
	for text, want := range map[string][2]bool{ // has prefix, contains
		"API-":             {true, true},
		"USR-x":            {true, true},
		"xAPI-":            {false, false},
		"x API-":           {false, true},
		"user:API-abc":     {false, true},
		"a=b;k=USR-1":      {false, true},
		"_USR-1":           {false, true},
		"éUSR-1":           {false, true},
		"9USR-1":           {false, false},
		"api-abc":          {false, false},
		"API":              {false, false},
		"AP":               {false, false},
		"":                 {false, false},
		"XAPI-XAPI- API -": {false, false},
	} {
		require.Equal(t, want, [2]bool{f.HasPrefix(text), f.Contains(text)}, "%q", text)
	}
	for text, want := range map[string]bool{
		sealed("API-" + zeros):                         true,
		"USR-" + zeros + zeros[:8]:                     true, // whatever the checksum
		"USR-0123456789ABCDEF0123456789abcdef01234567": true, // and the case of its digits
		"usr-" + zeros + zeros[:8]:                     false,
		sealed("API-" + zeros + "0"):                   false,
		sealed("API-"+zeros) + " ":                     false,
		" " + sealed("API-"+zeros):                     false,
		sealed("API-" + zeros)[:43]:                    false,
		"API-client/1.0":                               false,
		"API-x" + zeros + zeros[:8]:                    false,
		"API-" + strings.Repeat("\x10", 40):            false,
		"API-" + strings.Repeat("g", 40):               false,
		"API-" + zeros + "0000000G":                    false,
		zeros + zeros[:8]:                              false,
		"":                                             false,
	} {
		require.Equal(t, want, f.Matches(text), "%q", text)
	}
	require.False(t, keys.Format{}.Valid(sealed("API-"+zeros)))
	require.False(t, keys.Format{}.Matches(sealed("API-"+zeros)))
	require.False(t, keys.Format{}.Matches(zeros+zeros[:8]))
	require.False(t, keys.Format{}.Contains("API-"))
}

// Random keys do not repeat, are well spread, and the scanner's pattern finds each.
func TestIssuedKeys(t *testing.T) {
	r := open(t, keys.Config{Store: keys.NewMemoryStore(), UserPrefixes: []string{"acme_user_", "USR-"}, CustomPrefixes: []string{"acme_live_", "API-"}})
	pattern := regexp.MustCompile(r.Format().Pattern())
	seen := map[string]bool{}
	var digits [16]float64
	const n = 4000
	for i := range n {
		var key string
		if i%2 == 0 {
			key, _ = issue(t, r, keys.Custom{})
			require.True(t, strings.HasPrefix(key, "acme_live_"))
		} else {
			issued, err := r.IssueUser(ctx, fmt.Sprint(i), keys.User{})
			require.NoError(t, err)
			key = issued.Key.Reveal()
			require.True(t, strings.HasPrefix(key, "acme_user_"))
		}
		require.False(t, seen[key])
		seen[key] = true
		require.True(t, r.Format().Valid(key))
		require.Equal(t, key, pattern.FindString("log: "+key+", "))
		body := key[len(key)-40 : len(key)-8]
		for _, c := range body {
			digits[strings.IndexRune("0123456789abcdef", c)]++
		}
	}
	var chi2 float64
	for _, d := range digits {
		const want = n * 32 / 16
		chi2 += (d - want) * (d - want) / want
	}
	require.Less(t, chi2, 60.0, "15 degrees of freedom: 60 comes once in ten million")
}

// Any single wrong character fails the checksum, and so do two swapped neighbours.
func TestTyposFail(t *testing.T) {
	r := open(t, keys.Config{Store: keys.NewMemoryStore()})
	key, _ := issue(t, r, keys.Custom{})
	for i := range key {
		for c := range 256 {
			typo := key[:i] + string([]byte{byte(c)}) + key[i+1:]
			if typo != key && r.Format().Valid(typo) {
				t.Fatalf("position %d, byte %d passes", i, c)
			}
		}
		if i > 0 && key[i] != key[i-1] {
			require.False(t, r.Format().Valid(key[:i-1]+key[i:i+1]+key[i-1:i]+key[i+1:]))
		}
	}
}

func FuzzFormat(f *testing.F) {
	r := open(f, keys.Config{Store: keys.NewMemoryStore(), CustomPrefixes: []string{"API-", "acme_"}})
	format := r.Format()
	pattern := regexp.MustCompile(`\A(?:USR-|API-|acme_)[0-9a-f]{40}\z`)
	shaped := regexp.MustCompile(`\A(?:USR-|API-|acme_)[0-9a-fA-F]{40}\z`)
	for _, s := range []string{"", "API-", sealed("API-" + strings.Repeat("0", 32)), sealed("acme_" + strings.Repeat("f", 32)), "x API-1", legacyText, "cc" + sealed("API-"+strings.Repeat("0", 32))} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want := pattern.MatchString(s) && sealed(s[:len(s)-8]) == s
		if format.Valid(s) != want {
			t.Errorf("Valid(%q) is %v", s, !want)
		}
		if shaped.MatchString(s) != format.Matches(s) {
			t.Errorf("Matches(%q) is %v", s, format.Matches(s))
		}
		has, contains := false, false
		for _, p := range []string{"USR-", "API-", "acme_"} {
			has = has || strings.HasPrefix(s, p)
			contains = contains || regexp.MustCompile(`(?s)(\A|[^A-Za-z0-9])`+p+`|`+p+`[0-9a-f]{40}`).MatchString(strings.ToValidUTF8(s, "?"))
		}
		if format.HasPrefix(s) != has || format.Contains(s) != contains {
			t.Errorf("HasPrefix(%q) is not %v, or Contains not %v", s, has, contains)
		}
	})
}

// For any credential, Verify does not panic, and accepts only issued or imported keys.
func FuzzVerify(f *testing.F) {
	s := keys.NewMemoryStore()
	r := open(f, keys.Config{Store: s, ImportedKeys: true, Peppers: []keys.Pepper{keys.NewPepper("p", make([]byte, 16))}})
	through := open(f, keys.Config{Store: foreign{s}, ImportedKeys: true, Peppers: []keys.Pepper{keys.NewPepper("p", make([]byte, 16))}})
	key, _ := issue(f, r, keys.Custom{})
	_, err := r.Import(ctx, keys.Imported{Kind: keys.KindCustom, Text: keys.NewKey(legacyText)})
	require.NoError(f, err)
	for _, s := range []string{"", key, legacyText, key + " ", strings.ToUpper(key), sealed("API-" + strings.Repeat("0", 32)), strings.Repeat("a", 257)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, credential string) {
		a, errA := r.Verify(ctx, credential)
		b, errB := through.Verify(ctx, credential)
		if good := credential == key || credential == legacyText; good != (errA == nil) || (a == keys.Verified{}) == good {
			t.Errorf("Verify(%q): %v", credential, errA)
		}
		if a.ID() != b.ID() || fmt.Sprint(errA) != fmt.Sprint(errB) {
			t.Errorf("Verify(%q): %v in memory, %v through the interface", credential, errA, errB)
		}
	})
}
