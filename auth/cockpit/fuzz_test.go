package cockpit_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/cockpit"
)

// Whatever is read, nothing panics, Plan says what Import does, a second import writes nothing, and no text of eight
// bytes and more that stands where Cockpit keeps a key comes out again.
func FuzzReadJSON(f *testing.F) {
	text, err := os.ReadFile("testdata/cockpit-fixture.json")
	require.NoError(f, err)
	f.Add(string(text))
	for _, seed := range []string{
		`{}`, `{"roles": [{"appid": "a", "permissions": []}], "public": "a"}`,
		`{"users": [{"_id": "u", "user": "USR-12345678", "active": true, "apiKey": "USR-12345678"}]}`,
		`{"api_keys": [{"_id": "k", "key": "public"}, {"_id": "12345678", "key": "12345678"}, 7]}`,
		`{"roles": [{"appid": "a", "inherits": ["b"]}, {"appid": "A"}], "api_keys": [{"key": "x"}]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<16 {
			t.Skip("long inputs find nothing that short ones do not")
		}
		s, err := cockpit.ReadJSON(strings.NewReader(text))
		secrets := textsIn(text)
		if err != nil {
			requireNothingGiven(t, err.Error(), secrets...)
			return
		}
		w := newWorld(t)
		first := w.bring(t, s)
		writes := w.writes
		second := w.bring(t, s)
		require.Equal(t, writes, w.writes)
		for _, e := range second.Entries {
			require.Contains(t, []cockpit.Verdict{cockpit.VerdictUnchanged, cockpit.VerdictRefused}, e.Verdict, "%v", e)
		}
		requireNothingGiven(t, shown(t, s, first, second)+w.stored(t), secrets...)
	})
}

// textsIn returns what stands in text where Cockpit keeps keys, if it is long enough not to stand anywhere by chance.
func textsIn(text string) (all []string) {
	var f map[string]any
	if json.Unmarshal([]byte(text), &f) != nil {
		return nil
	}
	for table, member := range map[string]string{"users": "apiKey", "api_keys": "key"} {
		rows, _ := f[table].([]any)
		for _, row := range rows {
			d, _ := row.(map[string]any)
			if key, _ := d[member].(string); len(key) >= 12 && key != "public" {
				all = append(all, key)
			}
		}
	}
	return all
}
