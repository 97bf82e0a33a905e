package cockpit_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/auth/cockpit"
	"github.com/latchkey-go/latchkey/keys"
)

// given is every text by which a key would be given away: the key itself and what is stored of it.
func given(text string) []string {
	plain := sha256.Sum256([]byte(text))
	mac := hmac.New(sha256.New, []byte(strings.Repeat("p", 32)))
	mac.Write([]byte(text))
	all := []string{text}
	for _, sum := range [][]byte{plain[:], mac.Sum(nil)} {
		all = append(all, hex.EncodeToString(sum), base64.StdEncoding.EncodeToString(sum), base64.RawURLEncoding.EncodeToString(sum))
	}
	return all
}

// shown is everything that a source and a report can be made to show.
func shown(t testing.TB, s *cockpit.Source, reports ...*cockpit.Report) string {
	t.Helper()
	var b bytes.Buffer
	log := slog.New(slog.NewTextHandler(&b, nil))
	logJSON := slog.New(slog.NewJSONHandler(&b, nil))
	show := func(v any) {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&b, verb+"\n", v)
		}
		log.Info("x", "v", v)
		logJSON.Info("x", "v", v)
		text, err := json.Marshal(v)
		require.NoError(t, err)
		b.Write(text)
	}
	show(s)
	if s != nil {
		show(*s)
		show(struct{ inside *cockpit.Source }{s})
		show(struct{ inside cockpit.Source }{*s})
		show(s.Users())
	}
	for _, r := range reports {
		show(r)
		show(*r)
		for _, e := range r.Entries {
			show(e)
		}
	}
	return b.String()
}

// stored is everything in the stores of a world but the digests.
func (w *world) stored(t testing.TB) string {
	t.Helper()
	records, err := w.Into.Keys.List(t.Context(), keys.Filter{Limit: 1000})
	require.NoError(t, err)
	rs, _, err := w.roles.Load(t.Context())
	require.NoError(t, err)
	log, err := w.log.List(t.Context(), audit.Filter{Limit: 1000})
	require.NoError(t, err)
	setting, err := w.Public.Load(t.Context())
	require.NoError(t, err)
	text, err := json.Marshal([]any{records, rs, log, setting, w.users})
	require.NoError(t, err)
	return string(text)
}

func requireNothingGiven(t testing.TB, output string, texts ...string) {
	t.Helper()
	for i, text := range texts {
		for _, form := range given(text) {
			require.False(t, strings.Contains(output, form), "key %d stands in the output", i) // without printing it
			require.False(t, strings.Contains(output, hex.EncodeToString([]byte(form))), "key %d stands in the output", i)
		}
	}
}

func TestNothingShowsAKeyOfTheFixture(t *testing.T) {
	w := newWorld(t)
	s := fixture(t)
	first, second := w.bring(t, s), w.bring(t, s)
	output := shown(t, s, first, second) + w.stored(t)
	for _, text := range fixtureKeys(t) {
		requireNothingGiven(t, output, text)
	}
	require.Contains(t, output, "cockpit: 5 roles, 12 users, 24 keys")
}

// People write keys into names, descriptions and worse.
func TestKeysInOddPlaces(t *testing.T) {
	custom, user, word := good("API-", 1), good("USR-", 2), "open sesame"
	w := newWorld(t)
	s := read(t, `{
		"roles": [
			{"appid": "reader", "name": "for `+custom+`", "info": "curl -H 'api-key: `+user+`'", "permissions": {"a/b": true, "a/`+custom+`": true, "`+word+`": true, "a/`+user+`": 1}},
			{"appid": "`+custom+`"},
			{"appid": "heir", "inherits": ["`+user+`"]},
			{"_id": "`+custom+`", "appid": "odd"}],
		"users": [
			{"_id": "u1", "user": "`+user+`", "name": "`+word+`", "email": "`+custom+`@example.com", "active": true, "role": "`+custom+`", "apiKey": "`+user+`"},
			{"_id": "`+custom+`", "user": "u2", "active": true, "apiKey": "`+good("USR-", 3)+`"}],
		"api_keys": [
			{"_id": "k1", "name": "Website `+custom+`", "role": "reader", "key": "`+custom+`"},
			{"_id": "k2", "name": "`+user+`", "role": "`+custom+`", "key": "`+word+`"},
			{"_id": "k3", "name": "the word is abc", "key": "abc"},
			{"_id": "`+custom+`", "name": "k4", "key": "`+good("API-", 4)+`"},
			{"key": "public", "role": "`+custom+`"}]}`)
	report := w.bring(t, s)
	requireNothingGiven(t, shown(t, s, report)+w.stored(t), custom, user, word, good("USR-", 3), good("API-", 4))
	require.NotContains(t, w.record(t, "k3").Name, "abc")
	require.Equal(t, ok, ask(w.server(t), custom, "a/b"), "the key itself is as good as in Cockpit")
	require.Equal(t, "reader", reportedName(report, cockpit.AboutRole, "reader"))
	require.Contains(t, reasons(report, cockpit.AboutKey, "k1")[cockpit.VerdictNew], "its name holds the text of a key")
	require.Equal(t, 3, report.Count(cockpit.AboutRole, cockpit.VerdictRefused))
	require.Equal(t, 1, report.Count(cockpit.AboutUser, cockpit.VerdictRefused))
	require.Equal(t, 1, report.Count(cockpit.AboutPublic, cockpit.VerdictRefused))
}

// What is cut off does not leave the first half of a key.
func TestKeysWhereSomethingIsCutOff(t *testing.T) {
	key := good("API-", 1)
	name := strings.Repeat("n", 170) + key
	w := newWorld(t)
	s := read(t, `{
		"roles": [{"appid": "r", "name": "`+name+`", "info": "`+strings.Repeat("i", 4070)+key+`", "permissions": {"`+name+`": true}}],
		"users": [{"_id": "u", "user": "`+name+`", "name": "`+name+`", "email": "`+name+`", "active": true}],
		"api_keys": [{"_id": "k", "name": "`+name+`", "key": "`+key+`"}]}`)
	report := w.bring(t, s)
	require.NotContains(t, shown(t, s, report)+w.stored(t), key[:20])
	require.Equal(t, "k", w.record(t, "k").Name)
}

func reportedName(r *cockpit.Report, what cockpit.What, id string) string {
	for _, e := range r.Entries {
		if e.What == what && e.ID == id {
			return e.Name
		}
	}
	return ""
}

func TestPasswordHashesShowOnlyWhenAskedFor(t *testing.T) {
	const hash = "$2y$10$abcdefghijklmnopqrstuuJ1nE8C7P8m9vJ2x3y4z5A6B7C8D9E0F"
	s := read(t, `{"users": [{"_id": "u", "user": "ada", "active": true, "password": "`+hash+`"}, {"_id": "v"}]}`)
	users := s.Users()
	require.Equal(t, hash, users[0].PasswordHash())
	require.Equal(t, "", users[1].PasswordHash())
	w := newWorld(t)
	report := w.bring(t, s)
	require.NotContains(t, shown(t, s, report)+w.stored(t), hash)
	require.Equal(t, hash, w.users["u"].PasswordHash(), "a host may go on using it")
}
