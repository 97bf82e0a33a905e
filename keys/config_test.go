package keys_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

func TestOpenNamesEveryMistake(t *testing.T) {
	secret := make([]byte, 16)
	for want, c := range map[string]keys.Config{
		"Store is missing":                   {},
		"Store  is missing":                  {Store: (*keys.MemoryStore)(nil)},
		"LastUsed holds":                     {LastUsed: (*keys.MemoryStore)(nil)},
		`prefix "X"`:                         {UserPrefixes: []string{"X"}},
		`prefix "X."`:                        {UserPrefixes: []string{"X."}},
		`prefix "-X-"`:                       {UserPrefixes: []string{"-X-"}},
		`prefix "KEY"`:                       {CustomPrefixes: []string{"KEY"}},
		`prefix ""`:                          {CustomPrefixes: []string{""}},
		`prefix "ké-"`:                       {CustomPrefixes: []string{"ké-"}},
		"is not 2 to 32":                     {CustomPrefixes: []string{strings.Repeat("a", 32) + "-"}},
		`"API-X-" begins with prefix "API-"`: {UserPrefixes: []string{"API-X-"}},
		`"API-" begins with prefix "API-"`:   {UserPrefixes: []string{"API-"}},
		`"K-" begins with prefix "K-"`:       {UserPrefixes: []string{"K-", "L-", "K-"}},
		`pepper ID ""`:                       {Peppers: []keys.Pepper{keys.NewPepper("", secret)}},
		`pepper ID "a:b"`:                    {Peppers: []keys.Pepper{keys.NewPepper("a:b", secret)}},
		"secret of 15 bytes":                 {Peppers: []keys.Pepper{keys.NewPepper("a", secret[:15])}},
		"is there twice":                     {Peppers: []keys.Pepper{keys.NewPepper("a", secret), keys.NewPepper("a", secret)}},
		"MaxAge":                             {MaxAge: -1},
		"MaxWaiting":                         {MaxWaiting: -1},
		"FlushEvery":                         {FlushEvery: -1},
		"one user and one":                   {UserPrefixes: []string{}},
		"and one custom":                     {CustomPrefixes: []string{}},
	} {
		want = strings.ReplaceAll(want, "  ", " ")
		if c.Store == nil && !strings.HasPrefix(want, "Store") {
			c.Store = keys.NewMemoryStore()
		}
		r, err := keys.Open(c)
		require.ErrorContains(t, err, want)
		require.Nil(t, r)
	}
	_, err := keys.Open(keys.Config{MaxAge: -1, FlushEvery: -1, UserPrefixes: []string{"?"}})
	for _, want := range []string{"Store", "MaxAge", "FlushEvery", "prefix"} {
		require.ErrorContains(t, err, want)
	}
	require.Panics(t, func() { keys.NewRing(nil) })
}

// A later change of the host's Config has no effect.
func TestConfigIsCopied(t *testing.T) {
	secret := []byte("0123456789abcdef")
	c := keys.Config{
		Store: keys.NewMemoryStore(), CustomPrefixes: []string{"K-"}, Peppers: []keys.Pepper{keys.NewPepper("a", secret)},
	}
	r := open(t, c)
	key, _ := issue(t, r, keys.Custom{})
	c.CustomPrefixes[0] = "L-"
	clear(secret)
	good(t, r, key)
	next, _ := issue(t, r, keys.Custom{})
	require.Equal(t, "K-", next[:2])
	good(t, open(t, keys.Config{Store: c.Store, CustomPrefixes: []string{"K-"}, Peppers: []keys.Pepper{keys.NewPepper("a", []byte("0123456789abcdef"))}}), next)
}
