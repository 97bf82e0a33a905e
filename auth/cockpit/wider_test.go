package cockpit_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/cockpit"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// An existing role may do more than Cockpit's of that name, and imported keys and users get that. The report warns, and
// the role does not become public.
func TestARoleThatMayDoMoreHere(t *testing.T) {
	const documents = `{
		"roles": [{"appid": "web", "permissions": {"content/posts/read": true}}, {"appid": "none", "permissions": []}],
		"users": [{"_id": "u", "user": "ada", "active": true, "role": "none", "apiKey": "USR-19e796d4aa76be38ccad4e062d85bb6ea61b4e79"}],
		"api_keys": [{"_id": "k", "role": "web", "key": "API-19e796d4aa76be38ccad4e062d85bb6ea61b4e79"}, {"key": "public", "role": "web"}]}`
	const warning = `role "web" may do more here than in Cockpit: so may the keys and users that have it`
	for _, c := range []struct {
		name  string
		here  roles.Role
		wider bool
	}{
		{"as much", roles.Role{AppID: "web", Name: "Web", Permissions: roles.Grants{"content/posts/read": true}}, false},
		{"less", roles.Role{AppID: "web"}, false},
		{"much more, with a denial", roles.Role{AppID: "web", Permissions: roles.Grants{"content/posts/read": true, "content/**": true, "content/*/update": false}}, true},
		{"one more", roles.Role{AppID: "web", Permissions: roles.Grants{"content/posts/read": true, "content/secret/read": true}}, true},
		{"another", roles.Role{AppID: "web", Permissions: roles.Grants{"content/secret/read": true}}, true},
		{"a pattern", roles.Role{AppID: "web", Permissions: roles.Grants{"content/*/read": true}}, true},
		{"by inheritance", roles.Role{AppID: "web", Permissions: roles.Grants{"content/posts/read": true}, Inherits: []string{"base"}}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			base := roles.Role{AppID: "base", Permissions: roles.Grants{"content/base/read": true}}
			require.NoError(t, w.roles.Save(t.Context(), base, roles.Revision{}))
			revision, err := w.roles.Revision(t.Context())
			require.NoError(t, err)
			require.NoError(t, w.roles.Save(t.Context(), c.here, revision))

			report := w.bring(t, read(t, documents))
			public := reasons(report, cockpit.AboutPublic, "web")
			if c.wider {
				require.Contains(t, report.Warnings, warning)
				require.Contains(t, reasons(report, cockpit.AboutRole, "web")[cockpit.VerdictChanged], "it may do more here than in Cockpit")
				require.Contains(t, public[cockpit.VerdictRefused], "may do more here")
				require.Equal(t, unknown, ask(w.server(t), "", "content/posts/read"))
			} else {
				require.Empty(t, report.Warnings)
				require.Contains(t, public, cockpit.VerdictNew)
			}

			w.Overwrite = true
			report = w.bring(t, read(t, documents))
			require.Empty(t, report.Warnings, "it is as in Cockpit now")
			require.Equal(t, ok, ask(w.server(t), "", "content/posts/read"))
			require.Equal(t, unknown, ask(w.server(t), "", "content/secret/read"))
		})
	}
}

// A role without a permission in Cockpit may do nothing there, and anything here is more.
func TestARoleThatMayDoNothingInCockpit(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.roles.Save(t.Context(), roles.Role{AppID: "none", Permissions: roles.Grants{"a/b": true}}, roles.Revision{}))
	report := w.bring(t, read(t, `{"roles": [{"appid": "none", "permissions": []}]}`))
	require.Equal(t, []string{`role "none" may do more here than in Cockpit: so may the keys and users that have it`}, report.Warnings)
}

// So it is with a user who has another role here: a key of Cockpit's that comes later speaks for who the user is here.
func TestAUserWithOtherRightsHere(t *testing.T) {
	user := func(role, key string) *cockpit.Source {
		return read(t, `{"roles": [{"appid": "reader", "permissions": {"content/posts/read": true}}],
			"users": [{"_id": "u", "user": "ada", "active": true, "role": "`+role+`", "apiKey": "`+key+`"}]}`)
	}
	w := newWorld(t)
	w.bring(t, user("admin", ""))
	report := w.bring(t, user("reader", good("USR-", 1)))
	require.Equal(t, "its user's role or active is different here, and counts", reasons(report, cockpit.AboutKey, "u")[cockpit.VerdictNew])
	require.Equal(t, ok, ask(w.server(t), good("USR-", 1), "a/b"))

	w = newWorld(t)
	w.bring(t, user("admin", ""))
	w.Overwrite = true
	report = w.bring(t, user("reader", good("USR-", 1)))
	require.Empty(t, reasons(report, cockpit.AboutKey, "u")[cockpit.VerdictNew])
	require.Equal(t, forbidden, ask(w.server(t), good("USR-", 1), "a/b"))
}

// Plan looks whether a text is here without being a caller who shows it.
func TestPlanIsNoUseOfAKey(t *testing.T) {
	store := keys.NewMemoryStore()
	ring, err := keys.Open(keys.Config{Store: store, ImportedKeys: true})
	require.NoError(t, err)
	_, err = ring.Import(t.Context(), keys.Imported{Kind: keys.KindCustom, Text: keys.NewKey(good("API-", 1)), ForeignID: "elsewhere"})
	require.NoError(t, err)
	into := cockpit.Into{Keys: ring, Roles: roles.NewMemoryStore()}
	report, err := cockpit.Plan(t.Context(), read(t, `{"api_keys": [{"_id": "k", "key": "`+good("API-", 1)+`"}]}`), into)
	require.NoError(t, err)
	require.Equal(t, "another key here has its text", reasons(report, cockpit.AboutKey, "k")[cockpit.VerdictRefused])
	require.NoError(t, ring.Close(t.Context())) // which writes what is known of uses
	stored, err := store.List(t.Context(), "", keys.Filter{Limit: 10})
	require.NoError(t, err)
	require.Len(t, stored, 1)
	require.Zero(t, stored[0].LastUsedAt)
}
