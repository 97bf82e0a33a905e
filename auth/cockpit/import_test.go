package cockpit_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/cockpit"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

const (
	ok        = http.StatusOK
	unknown   = http.StatusUnauthorized
	forbidden = http.StatusForbidden
)

func TestClientsOfCockpitGoOn(t *testing.T) {
	w := newWorld(t)
	w.bring(t, fixture(t))
	server, texts := w.server(t), fixtureKeys(t)
	for _, c := range []struct {
		who, permission string
		want            int
	}{
		// users have the role of their account
		{"root2", "content/anything/delete", ok},
		{"ed", "content/posts/create", ok},
		{"ed", "content/secret/read", forbidden},
		{"rea", "content/posts/read", ok},
		{"rea", "content/posts/create", forbidden},
		{"pubrole", "content/menu/read", ok},
		{"emp", "content/posts/read", forbidden},
		{"dra", "content/posts/create", ok},
		{"dra", "content/posts/publish", forbidden},
		// inactive users keep their keys, and a guard refuses them
		{"dead", "content/posts/read", unknown},
		{"deadadmin", "content/posts/read", unknown},
		// of a removed role, and of one that never had a document
		{"ghost", "content/posts/read", forbidden},
		{"orphan", "content/posts/read", forbidden},

		{"k-admin", "content/anything/delete", ok},
		{"k-editor", "content/posts/update", ok},
		{"k-editor", "content/menu/read", forbidden},
		{"k-reader", "content/posts/read", ok},
		{"k-reader", "content/posts/update", forbidden},
		{"k-menu", "content/menu/read", ok},
		{"k-null", "content/menu/read", forbidden}, // never the public role
		{"k-empty-string", "content/menu/read", forbidden},
		{"k-gone", "content/menu/read", forbidden},
		{"k-orphan", "content/menu/read", forbidden},
		// texts of people's own making
		{"k-plain", "content/posts/read", ok},
		{"k-space", "content/posts/read", ok},
		{"k-utf8", "content/posts/read", ok},
		{"k-case", "content/posts/read", ok},
	} {
		require.NotEmpty(t, texts[c.who])
		require.Equal(t, c.want, ask(server, texts[c.who], c.permission), "%s, %s", c.who, c.permission)
	}
	require.Equal(t, unknown, ask(server, "api-mixedcase-abc", "content/posts/read"), "another case is another key")
	require.Equal(t, ok, ask(server, "", "content/menu/read"), "the public API is open")
	require.Equal(t, unknown, ask(server, "", "content/posts/create"))
	require.Equal(t, unknown, ask(server, "public", "content/menu/read"), "the word is no key")
}

func TestRecordsAreKnownByCockpitsIDs(t *testing.T) {
	w := newWorld(t)
	w.bring(t, fixture(t))
	r := w.record(t, "6b048abb686c828f7b4cc2c5")
	require.Equal(t, "k-editor", r.Name)
	require.Equal(t, "editor", r.Role)
	require.Equal(t, keys.KindCustom, r.Kind)
	require.Equal(t, time.Unix(1795459771, 0).UTC(), r.CreatedAt)
	require.True(t, r.Legacy)
	require.False(t, r.Weak)
	r = w.record(t, "6b048aba686c828f7b8a73e9")
	require.Equal(t, "6b048aba686c828f7b8a73e9", r.UserID)
	require.Equal(t, keys.KindUser, r.Kind)
	require.Equal(t, time.Unix(1795459770, 0).UTC(), r.CreatedAt)
	require.True(t, w.record(t, "6b048abb686c828f7bc0dc88").Weak, "plainkey-without-prefix")
	require.Equal(t, "Ed User", w.users["6b048aba686c828f7b8a73e9"].Name)
	require.Equal(t, "", w.users["6b048abb686c8206c747c77e"].Role, `"user" is no role, just what Cockpit writes`)
}

func TestTheReportOfAFirstImport(t *testing.T) {
	w := newWorld(t)
	report := w.bring(t, fixture(t))
	for _, c := range []struct {
		what cockpit.What
		n    int
	}{{cockpit.AboutRole, 5}, {cockpit.AboutUser, 12}, {cockpit.AboutKey, 24}, {cockpit.AboutPublic, 1}} {
		require.Equal(t, c.n, report.Count(c.what, cockpit.VerdictNew), c.what)
	}
	require.Len(t, report.Entries, 42)
	require.Equal(t, []string{"4 keys are weak: refresh them"}, report.Warnings)
	require.Equal(t, map[cockpit.Verdict]string{cockpit.VerdictNew: `there is no role "vanished": it comes without a role`},
		reasons(report, cockpit.AboutKey, "k-orphan"))
	require.Equal(t, map[cockpit.Verdict]string{cockpit.VerdictNew: `there is no role "user": it comes without a role`},
		reasons(report, cockpit.AboutUser, "ghost"))
	require.Equal(t, map[cockpit.Verdict]string{cockpit.VerdictNew: "it is weak: refresh it soon"},
		reasons(report, cockpit.AboutKey, "k-plain"))
	require.Equal(t, map[cockpit.Verdict]string{cockpit.VerdictNew: ""}, reasons(report, cockpit.AboutKey, "k-null"))
}

func TestWithoutLeaveOrPepperWeakKeysAreRefused(t *testing.T) {
	w := newWorld(t)
	w.AllowWeak = false
	report := w.bring(t, fixture(t))
	require.Equal(t, 4, report.Count(cockpit.AboutKey, cockpit.VerdictRefused))
	require.Contains(t, reasons(report, cockpit.AboutKey, "k-space")[cockpit.VerdictRefused], "less than 112 bits")

	bare := newWorld(t)
	ring, err := keys.Open(keys.Config{Store: keys.NewMemoryStore(), ImportedKeys: true})
	require.NoError(t, err)
	bare.Keys = ring
	defer bare.Keys.Close(t.Context())
	report = bare.bring(t, fixture(t))
	require.Equal(t, 4, report.Count(cockpit.AboutKey, cockpit.VerdictRefused))
	require.Contains(t, reasons(report, cockpit.AboutKey, "k-space")[cockpit.VerdictRefused], "only taken under a pepper")
}

func TestUsersMayBeTheHostsOwnAffair(t *testing.T) {
	w := newWorld(t)
	w.Users = nil
	report := w.bring(t, fixture(t))
	require.Equal(t, 24, report.Count(cockpit.AboutKey, cockpit.VerdictNew))
	require.Equal(t, 0, report.Count(cockpit.AboutUser, cockpit.VerdictNew))
	users := fixture(t).Users()
	require.Len(t, users, 12)
	for _, u := range users {
		w.users[u.ID] = u
	}
	require.Equal(t, "", w.users["6b048abb686c8206c747c77e"].Role, `"user" has no document`)
	require.Equal(t, "editor", w.users["6b048aba686c828f7b8a73e9"].Role)
	server, texts := w.server(t), fixtureKeys(t)
	require.Equal(t, ok, ask(server, texts["ed"], "content/posts/create"))
	require.Equal(t, forbidden, ask(server, texts["ghost"], "content/posts/read"))
	require.Equal(t, unknown, ask(server, texts["dead"], "content/posts/read"))
}

// A role that happens to be called like what Cockpit leaves to users of a removed one gives them nothing.
func TestUsersOfARemovedRoleFallToNoRole(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.roles.Save(t.Context(), roles.Role{
		AppID: "user", Permissions: roles.Grants{"content/**": true},
	}, roles.Revision{}))
	w.bring(t, fixture(t))
	require.Equal(t, forbidden, ask(w.server(t), fixtureKeys(t)["ghost"], "content/posts/read"))
}

func TestThePublicAPI(t *testing.T) {
	const documents = `"roles": [
		{"appid": "web", "permissions": {"content/posts/read": true}},
		{"appid": "form", "permissions": {"content/posts/read": true, "content/posts/update": true, "app/x": true}}]`
	for _, c := range []struct {
		name, members string
		acknowledge   []string
		role          string
		verdict       cockpit.Verdict
		reason        string
	}{
		{"a role that only reads", `"public": "web"`, nil, "web", cockpit.VerdictNew, ""},
		{"as Cockpit keeps it", `"api_keys": [{"key": "public", "role": "web"}]`, nil, "web", cockpit.VerdictNew, ""},
		{"said twice", `"public": {"role": "web"}, "api_keys": [{"key": "public", "role": "web"}]`, nil, "web", cockpit.VerdictNew, ""},
		{"two that differ", `"public": "web", "api_keys": [{"key": "public", "role": "form"}]`, nil, "", cockpit.VerdictRefused, "two documents"},
		{"never saved", `"api_keys": []`, nil, "", cockpit.VerdictUnchanged, "closed"},
		{"null", `"public": {"role": null}`, nil, "", cockpit.VerdictUnchanged, "closed"},
		{"empty", `"public": {"role": ""}`, nil, "", cockpit.VerdictUnchanged, "closed"},
		{"no role", `"public": {"role": "gone"}`, nil, "", cockpit.VerdictRefused, `there is no role "gone"`},
		{"admin", `"public": {"role": "admin"}`, nil, "", cockpit.VerdictRefused, "never public"},
		{"Admin", `"public": {"role": "Admin"}`, nil, "", cockpit.VerdictRefused, "never public"},
		{"another case", `"public": {"role": "Web"}`, nil, "", cockpit.VerdictRefused, `there is no role "Web"`},
		{"no text", `"public": {"role": ["web"]}`, nil, "", cockpit.VerdictRefused, "not the appid"},
		{"a blank", `"public": {"role": "web "}`, nil, "", cockpit.VerdictRefused, "not the appid"},
		{"a role that writes", `"public": "form"`, nil, "", cockpit.VerdictRefused, "app/x, content/posts/update"},
		{"half of it acknowledged", `"public": "form"`, []string{"app/x"}, "", cockpit.VerdictRefused, "to the letter"},
		{"all of it", `"public": "form"`, []string{"content/posts/update", "app/x"}, "form", cockpit.VerdictNew, ""},
		{"more than there is", `"public": "web"`, []string{"app/x"}, "", cockpit.VerdictRefused, "something else is acknowledged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.Acknowledge = c.acknowledge
			report := w.bring(t, read(t, "{"+documents+", "+c.members+"}"))
			setting, err := w.Public.Load(t.Context())
			require.NoError(t, err)
			require.Equal(t, c.role, setting.Role)
			last := report.Entries[len(report.Entries)-1]
			require.Equal(t, cockpit.AboutPublic, last.What)
			require.Equal(t, c.verdict, last.Verdict)
			require.Contains(t, last.Reason, c.reason)
		})
	}
}

func TestAChosenPublicAPIStays(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.Public.Save(t.Context(), publicapi.Setting{})) // closed by hand
	report := w.bring(t, fixture(t))
	require.Equal(t, map[cockpit.Verdict]string{cockpit.VerdictChanged: "different in role: what is here stays as it is"},
		reasons(report, cockpit.AboutPublic, "web"))
	require.Equal(t, unknown, ask(w.server(t), "", "content/menu/read"))

	w.Overwrite = true
	w.bring(t, fixture(t))
	require.Equal(t, ok, ask(w.server(t), "", "content/menu/read"))
	w.bring(t, read(t, `{"public": {"role": null}}`))
	require.Equal(t, unknown, ask(w.server(t), "", "content/menu/read"), "Cockpit closed it")
}

// A role that is public here gets nothing of Cockpit's by the way that the world could change something with.
func TestThePublicRoleIsWrittenOver(t *testing.T) {
	const more = `{"roles": [{"appid": "web", "permissions": {"content/posts/read": true, "content/posts/update": true}}], "public": "web"}`
	w := newWorld(t)
	w.bring(t, read(t, `{"roles": [{"appid": "web", "permissions": {"content/posts/read": true}}], "public": "web"}`))
	w.Overwrite = true
	report := w.bring(t, read(t, more))
	require.Contains(t, reasons(report, cockpit.AboutRole, "web")[cockpit.VerdictChanged], "different in permissions: what is here stays as it is; the public API here has it")
	require.Equal(t, ok, ask(w.server(t), "", "content/posts/read"))
	require.Equal(t, unknown, ask(w.server(t), "", "content/posts/update"))

	w.Acknowledge = []string{"content/posts/update"}
	w.bring(t, read(t, more))
	require.Equal(t, ok, ask(w.server(t), "", "content/posts/update"))
	w.Acknowledge = nil
	w.bring(t, read(t, `{"roles": [{"appid": "web", "permissions": {"content/posts/update": true}}], "public": "web"}`))
	require.Equal(t, unknown, ask(w.server(t), "", "content/posts/read"), "less is nothing to acknowledge")

	// A setting whose role is gone is closed, and a role of that name does not open it unseen.
	w = newWorld(t)
	require.NoError(t, w.Public.Save(t.Context(), publicapi.Setting{Role: "web"}))
	report = w.bring(t, read(t, more))
	require.Contains(t, reasons(report, cockpit.AboutRole, "web")[cockpit.VerdictRefused], "acknowledged")
	require.Equal(t, unknown, ask(w.server(t), "", "content/posts/update"))
}
