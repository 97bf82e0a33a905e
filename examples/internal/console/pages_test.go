package console_test

import (
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/examples/internal/chromium"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// someRoles are typical roles.
var someRoles = []roles.Role{
	{AppID: "editor", Name: "Editor", Info: "Writes pages and posts; leaves the settings alone.", Inherits: []string{"public"},
		Permissions: roles.Grants{"content/**": true, "content/settings/update": false, "content/settings/delete": false}},
	{AppID: "keeper", Name: "Key keeper", Permissions: roles.Grants{admin.ManageAPI: true, "content/pages/raed": true}},
	{AppID: "guestbook", Name: "Guest book", Inherits: []string{"public"}, Permissions: roles.Grants{"content/posts/create": true}},
	{AppID: "public", Name: "Public API", Info: "What everybody may read.", Permissions: roles.Grants{"content/pages/read": true, "content/posts/read": true}},
}

// inUse fills the host: keys in every state, users with keys, and their log. It returns the IDs of keys.
func (h *host) inUse(t *testing.T) (build, disabled, expired, ended string) {
	t.Helper()
	ctx, ada := t.Context(), h.ada(t)
	create := func(k keys.Custom) keys.Issued {
		issued, err := h.service.CreateKey(ctx, ada, k)
		require.NoError(t, err)
		return issued
	}
	first := create(keys.Custom{Name: "Website build", Role: "editor", Scopes: []string{"content/*/read"}, ExpiresAt: time.Now().AddDate(1, 0, 0)})
	expiry := time.Now().Add(time.Second) // far enough ahead for a busy machine to create the key first
	expired = create(keys.Custom{Name: "Trade fair", Role: "public", ExpiresAt: expiry}).Record.ID
	require.Equal(t, 200, h.get(t, "/api/pages/menus", first.Key.Reveal()))
	require.Eventually(t, func() bool {
		rec, err := h.ring.Get(ctx, first.Record.ID)
		return err == nil && !rec.LastUsedAt.IsZero()
	}, 5*time.Second, 5*time.Millisecond)
	create(keys.Custom{Name: "Newsletter", Role: "public"})
	create(keys.Custom{Name: "Import from the old site, only to be used at night and by the operations team", Role: ""})
	disabled = create(keys.Custom{Name: "Analytics", Role: "keeper"}).Record.ID
	_, err := h.service.SetKeyState(ctx, ada, disabled, "", keys.StateDisabled)
	require.NoError(t, err)
	ended = create(keys.Custom{Name: "Old app", Role: "editor"}).Record.ID
	_, err = h.service.SetKeyState(ctx, ada, ended, "", keys.StateInvalidated)
	require.NoError(t, err)
	h.rename(t, first.Record.ID, "Website build (nightly)")
	_, err = h.service.CreateUserKey(ctx, ada, "bob", keys.User{})
	require.NoError(t, err)
	preview, err := h.service.PreviewPublic(ctx, ada, "public")
	require.NoError(t, err)
	_, err = h.service.OpenPublic(ctx, ada, "public", admin.Confirmation{Token: preview.Token})
	require.NoError(t, err)
	time.Sleep(time.Until(expiry) + time.Millisecond)
	return first.Record.ID, disabled, expired, ended
}

// rename gives a key another name and other addresses, without the pages.
func (h *host) rename(t *testing.T, id, name string) {
	t.Helper()
	_, err := h.service.UpdateKey(t.Context(), h.ada(t), id, "", func(s *keys.Settings) error {
		s.Name, s.AllowedIPs = name, []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
		return nil
	})
	require.NoError(t, err)
}

// A shot is a page in a state to look at.
type shot struct {
	name, path string
	before     func(*tab) // steps before the first look
}

// unfold opens all foldable elements.
func unfold(w *tab) {
	eval[any](w, `document.querySelectorAll("details").forEach((d) => d.open = true)`)
}

// inUseShots are pages of a host in use, in an order in which they can be visited.
func inUseShots(build, disabled, expired, ended string) []shot {
	key := "/system/api/key/"
	return []shot{
		{"own-key-none", "/system/users/user", nil},
		{"own-key-more", "/system/users/user", unfold},
		{"own-key-refused", "/system/users/user", func(w *tab) { unfold(w); w.fill("scopes", "a//b"); w.press(".more-fields button") }},
		{"own-key-new", "/system/users/user", func(w *tab) { w.button("create") }},
		{"own-key", "/system/users/user", nil},
		{"own-key-refresh", "/system/users/user", unfold},
		{"own-key-stale", "/system/users/user", func(w *tab) {
			rec, err := w.host.service.UserKey(w.Context(), w.host.ada(w.T), "ada")
			require.NoError(w, err)
			_, err = w.host.service.RefreshKey(w.Context(), w.host.ada(w.T), rec.ID, "", keys.Renewal{})
			require.NoError(w, err)
			require.EqualValues(w, 409, w.button("refresh"))
		}},
		{"keys", "/system/api", nil},
		{"keys-not-found", "/system/api?q=nothing", nil},
		{"key", key + build, nil},
		{"key-unfolded", key + build, unfold},
		{"key-conflict", key + build, func(w *tab) {
			w.host.rename(w.T, build, "Website build (hourly)")
			w.fill("name", " of the shop")
			require.EqualValues(w, 409, w.button("save"))
		}},
		{"key-saved", key + build, func(w *tab) { require.EqualValues(w, 200, w.button("save")) }},
		{"key-refreshed", key + build, func(w *tab) { w.choose("overlap", "24h"); w.button("refresh") }},
		{"key-disabled", key + disabled, unfold},
		{"key-expired", key + expired, unfold},
		{"key-ended", key + ended, unfold},
		{"key-create", "/system/api/create", nil},
		{"key-create-refused", "/system/api/create", func(w *tab) {
			w.fill("name", "Any")
			w.choose("role", "editor")
			w.fill("allowed_ips", "here")
			w.button("create")
		}},
		{"public-open", "/system/api/public", nil},
		{"public-preview", "/system/api/public?role=editor", nil},
		{"public-refused", "/system/api/public?role=editor", func(w *tab) { require.EqualValues(w, 409, w.button("open")) }},
		{"users", "/system/users", nil},
		{"users-not-found", "/system/users?q=unknown", nil},
		{"user-key", "/system/users/user/bob", unfold},
		{"user-key-none", "/system/users/user/eve", nil},
		{"roles", "/system/users/roles", nil},
		{"role", "/system/users/roles/role/editor", nil},
		{"role-used", "/system/users/roles/role/public", unfold},
		{"role-unused", "/system/users/roles/role/guestbook", unfold},
		{"role-typo", "/system/users/roles/role/keeper", unfold},
		{"role-gains", "/system/users/roles/role/public", func(w *tab) { w.fill("allow", "content/*/delete"); w.button("save") }},
		{"role-conflict", "/system/users/roles/role/guestbook", func(w *tab) {
			role, err := w.host.service.Role(w.Context(), w.host.ada(w.T), "guestbook")
			require.NoError(w, err)
			role.Info, role.Permissions = "For guests.", roles.Grants{"content/posts/create": true, "content/posts/update": false}
			require.NoError(w, w.host.service.UpdateRole(w.Context(), w.host.ada(w.T), role, admin.Confirmation{}))
			w.fill("name", " of the hotel")
			require.EqualValues(w, 409, w.button("save"))
		}},
		{"role-filter", "/system/users/roles/role/editor", func(w *tab) { w.Do(chromedp.SendKeys(chromedp.CSS("#filter"), "posts")) }},
		{"role-create", "/system/users/roles/create", nil},
		{"role-refused", "/system/users/roles/create", func(w *tab) {
			w.fill("appid", "new")
			w.fill("allow", "a//b")
			require.EqualValues(w, 400, w.button("create"))
		}},
		{"role-taken", "/system/users/roles/create", func(w *tab) { w.fill("appid", "editor"); require.EqualValues(w, 409, w.button("create")) }},
		{"matrix", "/system/users/roles/matrix", nil},
		{"matrix-why", "/system/users/roles/matrix?role=editor&permission=content%2Fsettings%2Fupdate#why", nil},
		{"matrix-template", "/system/users/roles/matrix?role=editor&permission=content%2F%7Bmodel%7D%2Fread", nil},
		{"audit", "/system/audit", nil},
		{"audit-unfolded", "/system/audit", unfold},
		{"audit-not-found", "/system/audit?actor=unknown", nil},
		{"not-found", "/system/nowhere", nil},
		{"not-this-key", "/system/api/key/nothing", nil},
	}
}

// hostile is a hostile name of a user.
const hostile = "\"><img src=x onerror=alert(1)> \u202eevil\u202c שלום 👩\u200d👩\u200d👧\u200d👦 "

// TestPages looks at every page, light, dark, as narrow as a phone and zoomed in: axe-core finds no serious fault,
// nothing is cut off, buttons are large enough for a finger, and a screenshot is written.
func TestPages(t *testing.T) {
	looks := chromium.NewLooks(t, os.Getenv("LATCHKEY_SCREENSHOTS"), ways()...)
	t.Parallel()
	browser := chromium.Start(t, "about:blank")
	look := func(name string, h func(*testing.T) (*host, []shot), user string) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, shots := h(t)
			w := &tab{browser.Another(t, h.url), h}
			w.signIn(user, "/system/")
			for _, s := range shots {
				t.Run(s.name, func(t *testing.T) { w.on(t).look(s, looks) })
			}
		})
	}
	look("in use", func(t *testing.T) (*host, []shot) {
		h := newHost(t, someRoles...)
		return h, inUseShots(h.inUse(t))
	}, "ada")
	look("endless", func(t *testing.T) (*host, []shot) {
		endless := roles.Role{AppID: strings.Repeat("A-role-without-end-", 3) + "1234567", Name: strings.Repeat("Endless", 20), Info: strings.Repeat("endless", 60)}
		h := newHost(t, append(someRoles[:len(someRoles):len(someRoles)], endless)...)
		issued, err := h.service.CreateKey(t.Context(), h.ada(t), keys.Custom{Name: strings.Repeat("Endless", 20), Role: endless.AppID, Scopes: []string{strings.Repeat("endless-", 8) + "/**"}})
		require.NoError(t, err)
		return h, []shot{
			{"endless-keys", "/system/api", nil}, {"endless-key", "/system/api/key/" + issued.Record.ID, nil}, {"endless-public", "/system/api/public?role=" + endless.AppID, nil},
			{"endless-roles", "/system/users/roles", nil}, {"endless-role", "/system/users/roles/role/" + endless.AppID, nil},
			{"endless-matrix", "/system/users/roles/matrix?permission=a/b&role=" + endless.AppID, nil}, {"endless-audit", "/system/audit", unfold},
		}
	}, "ada")
	look("hostile", func(t *testing.T) (*host, []shot) {
		h := newHostOf(t, []auth.User{
			{ID: "eve/../x?y#z", Name: hostile, Role: "hostile", Active: true}, {ID: "long", Name: strings.Repeat(hostile, 200), Role: roles.Admin, Active: true},
		}, roles.Role{AppID: "hostile", Name: hostile, Info: hostile})
		issued, err := h.service.CreateKey(t.Context(), h.ada(t), keys.Custom{Name: hostile, Role: "hostile"})
		require.NoError(t, err)
		return h, []shot{
			{"hostile-own", "/system/users/user", nil}, {"hostile-keys", "/system/api", nil}, {"hostile-key", "/system/api/key/" + issued.Record.ID, nil},
			{"hostile-users", "/system/users", nil}, {"hostile-user", "/system/users/user/" + url.PathEscape("eve/../x?y#z"), nil},
			{"hostile-roles", "/system/users/roles", nil}, {"hostile-role", "/system/users/roles/role/hostile", nil}, {"hostile-audit", "/system/audit", unfold},
		}
	}, "long")
	look("many", func(t *testing.T) (*host, []shot) {
		const manyRoles = 24 // wider than a window; axe-core's time grows with the cells of the matrix
		appid := func(i int) string { return fmt.Sprintf("role%02d", i%manyRoles) }
		var users []auth.User
		var stored []roles.Role
		for i := range 60 {
			users = append(users, auth.User{ID: fmt.Sprintf("user%02d", i), Name: fmt.Sprintf("User number %d", i), Role: appid(i), Active: i%7 > 0})
		}
		for i := range manyRoles {
			stored = append(stored, roles.Role{AppID: appid(i), Permissions: roles.Grants{"content/*/read": i%2 == 0, "content/posts/create": i%3 == 0}})
		}
		h := newHostOf(t, users, stored...)
		for i := range 60 {
			_, err := h.service.CreateKey(t.Context(), h.ada(t), keys.Custom{Name: fmt.Sprintf("Program %d", i), Role: appid(i)})
			require.NoError(t, err)
		}
		return h, []shot{
			{"many-keys", "/system/api", nil}, {"many-users", "/system/users", nil}, {"many-roles", "/system/users/roles", nil},
			{"many-role", "/system/users/roles/role/role00", nil}, {"many-matrix", "/system/users/roles/matrix", nil}, {"many-audit", "/system/audit", nil},
		}
	}, "ada")
	look("new", func(t *testing.T) (*host, []shot) {
		return newHost(t), []shot{
			{"empty-keys", "/system/api", nil}, {"empty-public", "/system/api/public", nil}, {"empty-roles", "/system/users/roles", nil},
			{"empty-role-create", "/system/users/roles/create", nil}, {"empty-matrix", "/system/users/roles/matrix", nil}, {"empty-audit", "/system/audit", nil},
			{"one-key", "/system/api", func(w *tab) {
				_, err := w.host.service.CreateKey(w.Context(), w.host.ada(w.T), keys.Custom{Name: "Build"})
				require.NoError(w, err)
				w.Open("/system/api")
			}},
		}
	}, "ada")
	look("closed", func(t *testing.T) (*host, []shot) {
		return newHost(t, someRoles...), []shot{{"public-closed", "/system/api/public", nil}, {"public-reads", "/system/api/public?role=public", nil}}
	}, "ada")
	look("no permission", func(t *testing.T) (*host, []shot) {
		return newHost(t, someRoles...), []shot{{"refused", "/system/api", nil}, {"refused-user", "/system/users/user", nil}}
	}, "bob")
	look("some permission", func(t *testing.T) (*host, []shot) {
		kim := auth.User{ID: "kim", Name: "Kim", Role: "keeper", Active: true}
		return newHostOf(t, []auth.User{kim}, someRoles...), []shot{
			{"read-only-role", "/system/users/roles/role/editor", nil},
			{"refused-cover", "/system/api/create", func(w *tab) {
				w.fill("name", "Any")
				w.choose("role", "editor")
				require.EqualValues(w, 403, w.button("create"))
			}},
		}
	}, "kim")
}

// ways returns all of them if LATCHKEY_LONG is set or screenshots are wanted, else one of each scheme and each
// layout.
func ways() []chromium.Way {
	light := chromium.Way{Name: "light", Scheme: "light", Width: 1280}
	phoneDark := chromium.Way{Name: "phone-dark", Scheme: "dark", Width: 390}
	narrow := chromium.Way{Name: "narrow", Scheme: "light", Width: 320, Axe: chromium.NoRules}
	if os.Getenv("LATCHKEY_LONG") == "" && os.Getenv("LATCHKEY_SCREENSHOTS") == "" {
		return []chromium.Way{light, phoneDark, narrow}
	}
	return []chromium.Way{light, {Name: "dark", Scheme: "dark", Width: 1280}, {Name: "phone", Scheme: "light", Width: 390}, phoneDark, narrow,
		{Name: "zoomed", Scheme: "dark", Width: 640, Scale: 2, Axe: chromium.NoRules}}
}

// look looks at a page in each way. The steps before the first look are done once.
func (w *tab) look(s shot, looks *chromium.Looks) {
	w.Helper()
	w.Prepare()
	w.Open(s.path)
	if s.before != nil {
		s.before(w)
	}
	w.Look(s.name, looks, func(way chromium.Way) {
		if way.Width < 400 {
			for _, small := range eval[[]string](w, tooSmall) {
				w.Errorf("%s: too small for a finger: %s", way.Name, small)
			}
		}
	})
}

// tooSmall finds buttons and inputs less than 44 px high, except links within sentences. The height of a label is
// added to its input.
const tooSmall = `[...document.querySelectorAll("button, .button, summary, nav a, select, input, label, .list tbody th a, .cell a")].filter((e) => {
	if (e.matches("label:not(:has(input))") || e.matches("label input") || !e.checkVisibility({visibilityProperty: true})) return false;
	const box = e.getBoundingClientRect();
	return box.width > 1 && box.height < 43.5;
}).map((e) => e.getBoundingClientRect().height + " " + e.outerHTML.slice(0, 120))`
