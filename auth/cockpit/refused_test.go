package cockpit_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/cockpit"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// good is the text of a strong key that differs for each n.
func good(prefix string, n int) string {
	return prefix + "19e796d4aa76be38ccad4e062d85bb6ea61b4e79"[:36] + fmt.Sprintf("%04x", n)
}

// What a document becomes, and what the report says of it.
func TestOddKeys(t *testing.T) {
	long := "API-" + strings.Repeat("0123456789abcdef", 16)
	for _, c := range []struct {
		name, document string
		verdict        cockpit.Verdict
		reason         string
	}{
		{"in order", `{"_id": "k", "role": "reader", "key": "API-19e796d4aa76be38ccad4e062d85bb6ea61b4e79"}`, cockpit.VerdictNew, ""},
		{"unknown members", `{"_id": "k", "key": "API-19e796d4aa76be38ccad4e062d85bb6ea61b4e79", "meta": [], "x": {"y": 1}}`, cockpit.VerdictNew, ""},
		{"without a name or role", `{"_id": "k", "key": "API-19e796d4aa76be38ccad4e062d85bb6ea61b4e79", "role": null}`, cockpit.VerdictNew, ""},
		{"a text with blanks and UTF-8", `{"_id": "k", "key": "der geheime Schlüssel 19e796d4aa76be38"}`, cockpit.VerdictNew, "weak"},
		{"digits alone", `{"_id": "k", "key": "12345"}`, cockpit.VerdictNew, "weak"},
		{"a number", `{"_id": "k", "key": 12345}`, cockpit.VerdictRefused, "its text is no text"},
		{"nothing", `{"_id": "k"}`, cockpit.VerdictRefused, "it has no text"},
		{"null", `{"_id": "k", "key": null}`, cockpit.VerdictRefused, "it has no text"},
		{"a comma", `{"_id": "k", "key": "API-19e796d4aa76be38,ccad4e062d85bb6ea61b4e79"}`, cockpit.VerdictRefused, "comma"},
		{"257 bytes and more", `{"_id": "k", "key": "` + long + `"}`, cockpit.VerdictRefused, "longer than 256"},
		{"like a scheme", `{"_id": "k", "key": "bearer 19e796d4aa76be38ccad4e062d85bb6ea61b4e79"}`, cockpit.VerdictRefused, "scheme"},
		{"like a user's", `{"_id": "k", "key": "USR-19e796d4aa76be38ccad4e062d85bb6ea61b4e79"}`, cockpit.VerdictRefused, "Cockpit never knew it"},
		{"a blank behind", `{"_id": "k", "key": "API-19e796d4aa76be38ccad4e062d85bb6ea61b4e79 "}`, cockpit.VerdictRefused, "blank"},
		{"a line break", `{"_id": "k", "key": "API-19e796d4aa76be38\nccad4e062d85bb6ea61b4e79"}`, cockpit.VerdictRefused, "control"},
		{"half a character", `{"_id": "k", "key": "API-19e796d4aa76be38ccad4e062d85bb6ea61b4e79\ud800"}`, cockpit.VerdictRefused, "not UTF-8"},
		{"no character", `{"_id": "k", "key": "API-19e796d4aa76be38ccad4e062d85bb6ea61b4e79` + "\xff" + `"}`, cockpit.VerdictRefused, "not UTF-8"},
		{"a member that is there twice counts as PHP reads it", `{"_id": "k", "key": "x", "role": "gone", "role": "reader", "key": "API-19e796d4aa76be38ccad4e062d85bb6ea61b4e79"}`, cockpit.VerdictNew, ""},
		{"no _id", `{"name": "k", "key": "API-19e796d4aa76be38ccad4e062d85bb6ea61b4e79"}`, cockpit.VerdictRefused, "no _id"},
		{"an _id that is no text", `{"_id": {"$oid": "k"}, "name": "k", "key": "API-19e796d4aa76be38ccad4e062d85bb6ea61b4e79"}`, cockpit.VerdictRefused, "no _id"},
		{"the _id of a user", `{"_id": "u", "name": "k", "key": "API-19e796d4aa76be38ccad4e062d85bb6ea61b4e79"}`, cockpit.VerdictRefused, "earlier document has this _id"},
		{"a role that is not there", `{"_id": "k", "role": "gone", "key": "API-19e796d4aa76be38ccad4e062d85bb6ea61b4e79"}`, cockpit.VerdictNew, `there is no role "gone"`},
		{"a role in another case", `{"_id": "k", "role": "Reader", "key": "API-19e796d4aa76be38ccad4e062d85bb6ea61b4e79"}`, cockpit.VerdictNew, `there is no role "Reader"`},
		{"Admin", `{"_id": "k", "role": "Admin", "key": "API-19e796d4aa76be38ccad4e062d85bb6ea61b4e79"}`, cockpit.VerdictNew, `there is no role "Admin"`},
		{"a role that would fit if it were trimmed", `{"_id": "k", "role": "rea\nder", "key": "API-19e796d4aa76be38ccad4e062d85bb6ea61b4e79"}`, cockpit.VerdictNew, "comes without one"},
		{"a role that is no text", `{"_id": "k", "role": ["reader"], "key": "API-19e796d4aa76be38ccad4e062d85bb6ea61b4e79"}`, cockpit.VerdictNew, "comes without one"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			report := w.bring(t, read(t, `{
				"roles": [{"appid": "reader", "permissions": {"content/posts/read": true}}],
				"users": [{"_id": "u", "active": true}],
				"api_keys": [`+c.document+`, {"_id": "next", "key": "`+good("API-", 1)+`"}]}`))
			entry := report.Entries[2]
			require.Equal(t, cockpit.AboutKey, entry.What)
			require.Equal(t, c.verdict, entry.Verdict, entry.Reason)
			require.Contains(t, entry.Reason, c.reason)
			require.Equal(t, c.reason == "", entry.Reason == "", entry.Reason)
			require.Equal(t, cockpit.VerdictNew, report.Entries[3].Verdict, "the rest goes on")
			if c.verdict == cockpit.VerdictNew {
				want := ""
				if strings.Contains(c.document, `"role": "reader"`) {
					want = "reader"
				}
				require.Equal(t, want, w.record(t, "k").Role)
			}
		})
	}
}

func TestOddRoles(t *testing.T) {
	for _, c := range []struct {
		name, documents string
		want            map[string]string // what is stored: appid and grants
		reasons         []string
	}{
		{"[] is {}", `{"appid": "a", "permissions": []}, {"appid": "b", "permissions": {}}, {"appid": "c", "permissions": null}, {"appid": "d"}`,
			map[string]string{"a": "{}", "b": "{}", "c": "{}", "d": "{}"}, []string{"", "", "", ""}},
		{"only true grants", `{"appid": "a", "permissions": {"a/b": 1, "a/c": "true", "a/d": false, "a/e": null, "a/f": [true], "a/g": true}}`,
			map[string]string{"a": `{"a/g":true}`}, []string{`left out "a/b": its value is not true; left out "a/c"`}},
		{"no permission", `{"appid": "a", "permissions": {"a//b": true, "a/../b": true, "x y": true, "": true, "a": true, "content/:models/manage": true}}`,
			map[string]string{"a": `{"a":true,"content/:models/manage":true}`}, []string{`left out "a//b": it is no permission`}},
		{"a pattern stands for itself in Cockpit, and for many here", `{"appid": "a", "permissions": {"content/*/read": true, "content/**": true}}`,
			map[string]string{"a": "{}"}, []string{`left out "content/**": it is no permission; left out "content/*/read"`}},
		{"permissions in a list", `{"appid": "a", "permissions": ["content/posts/read"]}`,
			map[string]string{"a": "{}"}, []string{"they grant nothing"}},
		{"admin in any case", `{"appid": "admin", "permissions": {"a/b": true}}, {"appid": "ADMIN"}`,
			map[string]string{}, []string{"built-in role", "built-in role"}},
		{"names that differ only in case", `{"appid": "Editor"}, {"appid": "editor", "permissions": {"a/b": true}}`,
			map[string]string{"Editor": "{}"}, []string{"", `differs only in case from "Editor"`}},
		{"a name that is there twice", `{"appid": "a", "permissions": {"a/b": true}}, {"appid": "a"}, {"appid": "b"}`,
			map[string]string{"b": "{}"}, []string{"several roles", "several roles", ""}},
		{"no name", `{"permissions": {"a/b": true}}, {"appid": 7}, {"appid": "a b"}, {"appid": "-x"}`,
			map[string]string{}, []string{"no appid", "no appid", "has an appid that is not", "has an appid that is not"}},
		{"no document", `7, null, [], {"appid": "a"}`,
			map[string]string{"a": "{}"}, []string{"row 1 is no JSON object", "row 2", "row 3", ""}},
		{"what inherits needs what it inherits from", `{"appid": "a", "inherits": ["b"]}, {"appid": "b", "inherits": ["none"]}, {"appid": "c", "inherits": ["d"]}, {"appid": "d"}`,
			map[string]string{"c": "{}", "d": "{}"}, []string{"inherits", "inherits", "", ""}},
		{"an heir's denial is not left out", `{"appid": "a", "permissions": {"a/b": true}}, {"appid": "b", "inherits": ["a"], "permissions": {"a/b": false}}`,
			map[string]string{"a": `{"a/b":true}`}, []string{"", "without that it could do more"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			report := w.bring(t, read(t, `{"roles": [`+c.documents+`]}`))
			stored, _, err := w.roles.Load(t.Context())
			require.NoError(t, err)
			got := map[string]string{}
			for _, r := range stored {
				text, err := r.Permissions.MarshalJSON()
				require.NoError(t, err)
				got[r.AppID] = string(text)
			}
			require.Equal(t, c.want, got)
			require.Len(t, report.Entries, len(c.reasons))
			for i, reason := range c.reasons {
				require.Contains(t, report.Entries[i].Reason, reason)
				require.Equal(t, reason == "", report.Entries[i].Reason == "")
			}
		})
	}
}

func TestARoleHereThatDiffersOnlyInCase(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.roles.Save(t.Context(), roles.Role{AppID: "Editor"}, roles.Revision{}))
	report := w.bring(t, fixture(t))
	require.Contains(t, reasons(report, cockpit.AboutRole, "editor")[cockpit.VerdictRefused], `only in case from "Editor"`)
	require.Equal(t, "", w.record(t, "6b048abb686c828f7b4cc2c5").Role, "k-editor has no role then")
	require.Equal(t, forbidden, ask(w.server(t), fixtureKeys(t)["ed"], "content/posts/read"))
}

func TestTwoUsersNeverShareAKey(t *testing.T) {
	shared := good("USR-", 0)
	documents := func(firstActive string) string {
		return `{"users": [
			{"_id": "one", "user": "one", "active": ` + firstActive + `, "role": "admin", "apiKey": "` + shared + `"},
			{"_id": "two", "user": "two", "active": true, "role": "admin", "apiKey": "` + shared + `"},
			{"_id": "three", "user": "three", "active": true, "role": "admin", "apiKey": "` + good("USR-", 3) + `"}]}`
	}
	w := newWorld(t)
	report := w.bring(t, read(t, documents("true")))
	require.Equal(t, map[cockpit.Verdict]string{cockpit.VerdictRefused: "an earlier key has the same text"},
		reasons(report, cockpit.AboutKey, "two"))
	require.Equal(t, "one", w.record(t, "one").UserID)
	require.Equal(t, ok, ask(w.server(t), shared, "a/b"))
	require.Equal(t, ok, ask(w.server(t), good("USR-", 3), "a/b"))

	w = newWorld(t)
	w.bring(t, read(t, documents("false")))
	require.Equal(t, unknown, ask(w.server(t), shared, "a/b"), "the first row wins, though it is inactive")
}

// Two custom keys of one text: Cockpit finds the first row, and the second never worked. Letters in another case make
// another key.
func TestATextThatIsThereTwice(t *testing.T) {
	w := newWorld(t)
	report := w.bring(t, read(t, `{
		"roles": [{"appid": "a", "permissions": {"a/b": true}}, {"appid": "b", "permissions": {"b/c": true}}],
		"api_keys": [
			{"_id": "1", "role": "a", "key": "`+good("API-", 1)+`"},
			{"_id": "2", "role": "b", "key": "`+good("API-", 1)+`"},
			{"_id": "3", "role": "b", "key": "`+strings.ToLower(good("API-", 1))+`"}]}`))
	require.Contains(t, reasons(report, cockpit.AboutKey, "1"), cockpit.VerdictNew)
	require.Equal(t, "an earlier key has the same text", reasons(report, cockpit.AboutKey, "2")[cockpit.VerdictRefused])
	require.Contains(t, reasons(report, cockpit.AboutKey, "3"), cockpit.VerdictNew)
	server := w.server(t)
	require.Equal(t, ok, ask(server, good("API-", 1), "a/b"))
	require.Equal(t, forbidden, ask(server, good("API-", 1), "b/c"))
	require.Equal(t, ok, ask(server, strings.ToLower(good("API-", 1)), "b/c"))
}

func TestAKeyOfARefusedOwnerGoesToNoOther(t *testing.T) {
	shared := good("USR-", 0)
	w := newWorld(t)
	report := w.bring(t, read(t, `{"users": [
		{"user": "one", "active": true, "role": "admin", "apiKey": "`+shared+`"},
		{"_id": "two", "user": "two", "active": true, "role": "admin", "apiKey": "`+shared+`"}]}`))
	require.Equal(t, 2, report.Count(cockpit.AboutKey, cockpit.VerdictRefused))
	require.Equal(t, unknown, ask(w.server(t), shared, "a/b"))
}

func TestOddUsers(t *testing.T) {
	w := newWorld(t)
	report := w.bring(t, read(t, `{"users": [
		{"_id": "1", "user": "ada", "active": 1, "role": "admin", "apiKey": "`+good("USR-", 1)+`"},
		{"_id": "2", "user": "Ada", "active": true, "role": "admin", "apiKey": "`+good("USR-", 2)+`"},
		{"_id": "1", "user": "bob", "active": true, "role": "admin", "apiKey": "`+good("USR-", 3)+`"},
		{"_id": "4", "user": "eve", "active": true, "role": "admin", "apiKey": "`+good("API-", 4)+`"},
		{"_id": "5", "user": "joe", "active": true, "role": "admin", "apiKey": ["`+good("USR-", 5)+`"]},
		{"_id": "6", "user": "kim", "active": true, "role": "admin", "apiKey": null},
		"none",
		{"_id": "7", "user": "lee", "active": true, "role": "admin", "apiKey": "`+good("USR-", 7)+`"}]}`))
	server := w.server(t)
	for n, want := range map[int]int{1: unknown, 2: unknown, 3: unknown, 7: ok} {
		require.Equal(t, want, ask(server, good("USR-", n), "a/b"), n)
	}
	require.Equal(t, unknown, ask(server, good("API-", 4), "a/b"), "a user's key that Cockpit never knew")
	require.Contains(t, reasons(report, cockpit.AboutUser, "ada")[cockpit.VerdictNew], "inactive")
	require.Contains(t, reasons(report, cockpit.AboutUser, "Ada")[cockpit.VerdictRefused], "only in case")
	require.Contains(t, reasons(report, cockpit.AboutKey, "Ada")[cockpit.VerdictRefused], "its user is refused")
	require.Contains(t, reasons(report, cockpit.AboutUser, "bob")[cockpit.VerdictRefused], "this _id")
	require.Contains(t, reasons(report, cockpit.AboutKey, "eve")[cockpit.VerdictRefused], "begins with USR-")
	require.Contains(t, reasons(report, cockpit.AboutKey, "joe")[cockpit.VerdictRefused], "no text")
	require.Empty(t, reasons(report, cockpit.AboutKey, "kim"), "who has no key needs none")
	require.Equal(t, 5, report.Count(cockpit.AboutUser, cockpit.VerdictNew))
}

func TestTextsThatAreHereAlready(t *testing.T) {
	w := newWorld(t)
	text := good("API-", 1)
	_, err := w.Into.Keys.Import(t.Context(), keys.Imported{Kind: keys.KindCustom, Text: keys.NewKey(text), ForeignID: "elsewhere"})
	require.NoError(t, err)
	issued, err := w.Into.Keys.IssueUser(t.Context(), "ada", keys.User{})
	require.NoError(t, err)
	_, err = w.Into.Keys.Import(t.Context(), keys.Imported{Kind: keys.KindCustom, Text: keys.NewKey(good("API-", 2)), ForeignID: "bob"})
	require.NoError(t, err)
	report := w.bring(t, read(t, `{
		"users": [
			{"_id": "ada", "user": "ada", "active": true, "apiKey": "`+good("USR-", 1)+`"},
			{"_id": "bob", "user": "bob", "active": true, "apiKey": "`+good("USR-", 2)+`"}],
		"api_keys": [{"_id": "k", "key": "`+text+`"}]}`))
	require.Contains(t, reasons(report, cockpit.AboutKey, "k")[cockpit.VerdictRefused], "another key here has its text")
	require.Contains(t, reasons(report, cockpit.AboutKey, "ada")[cockpit.VerdictRefused], "its user has another key here")
	require.Contains(t, reasons(report, cockpit.AboutKey, "bob")[cockpit.VerdictRefused], "another key here has its _id")
	_, err = w.Into.Keys.Verify(t.Context(), issued.Key.Reveal())
	require.NoError(t, err)
}

func TestMistakesInInto(t *testing.T) {
	w := newWorld(t)
	for name, into := range map[string]cockpit.Into{
		"Into.Keys is nil": {Roles: w.Into.Roles}, "Into.Roles is nil": {Keys: w.Into.Keys},
	} {
		_, err := cockpit.Plan(t.Context(), fixture(t), into)
		require.ErrorContains(t, err, name)
		_, err = cockpit.Import(t.Context(), fixture(t), into)
		require.ErrorContains(t, err, name)
	}
	for _, s := range []*cockpit.Source{nil, {}} {
		_, err := cockpit.Import(t.Context(), s, w.Into)
		require.ErrorContains(t, err, "no Source")
		require.Equal(t, "cockpit: nothing", s.String())
		require.Empty(t, s.Users())
	}
}

// A table that returns another user would have one user's rights judged by another's.
func TestATableOfUsersThatAnswersWithAnother(t *testing.T) {
	w := newWorld(t)
	w.Users = strangers{userTable{w}}
	_, err := cockpit.Import(t.Context(), fixture(t), w.Into)
	require.ErrorContains(t, err, "another user than the one asked for")
}

type strangers struct{ cockpit.Users }

func (strangers) Find(context.Context, string) (cockpit.User, error) {
	return cockpit.User{ID: "other"}, nil
}
