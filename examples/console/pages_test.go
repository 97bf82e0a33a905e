package console_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// someRoles are those of a host that has been in use for a while.
var someRoles = []roles.Role{
	{AppID: "editor", Name: "Editor", Info: "Writes pages and posts; leaves the settings alone.", Inherits: []string{"public"},
		Permissions: roles.Grants{"content/**": true, "content/settings/update": false, "content/settings/delete": false}},
	{AppID: "keeper", Name: "Key keeper", Permissions: roles.Grants{admin.ManageAPI: true, "content/pages/raed": true}},
	{AppID: "guestbook", Name: "Guest book", Inherits: []string{"public"}, Permissions: roles.Grants{"content/posts/create": true}},
	{AppID: "public", Name: "Public API", Info: "What everybody may read.", Permissions: roles.Grants{"content/pages/read": true, "content/posts/read": true}},
}

// inUse fills the host: keys in every state, users with keys, and a log of all that. It returns the IDs of keys.
func (h *host) inUse(t *testing.T) (build, disabled, expired, ended string) {
	t.Helper()
	ctx, ada := t.Context(), h.ada(t)
	create := func(k keys.Custom) keys.Issued {
		issued, err := h.service.CreateKey(ctx, ada, k)
		require.NoError(t, err)
		return issued
	}
	first := create(keys.Custom{Name: "Website build", Role: "editor", Scopes: []string{"content/*/read"}, ExpiresAt: time.Now().AddDate(1, 0, 0)})
	expired = create(keys.Custom{Name: "Trade fair", Role: "public", ExpiresAt: time.Now().Add(100 * time.Millisecond)}).Record.ID
	require.Equal(t, 200, h.get(t, "/api/pages/menus", first.Key.Reveal()))
	require.Eventually(t, func() bool {
		rec, err := h.ring.Get(ctx, first.Record.ID)
		return err == nil && !rec.LastUsedAt.IsZero()
	}, 5*time.Second, 5*time.Millisecond)
	create(keys.Custom{Name: "Newsletter", Role: "public"})
	create(keys.Custom{Name: "Import from the old site, only to be used at night and by the operations team", Role: ""})
	disabled = create(keys.Custom{Name: "Analytics", Role: "keeper"}).Record.ID
	_, err := h.service.DisableKey(ctx, ada, disabled, "")
	require.NoError(t, err)
	ended = create(keys.Custom{Name: "Old app", Role: "editor"}).Record.ID
	_, err = h.service.InvalidateKey(ctx, ada, ended, "")
	require.NoError(t, err)
	h.rename(t, first.Record.ID, "Website build (nightly)")
	_, err = h.service.CreateUserKey(ctx, ada, "bob", keys.User{})
	require.NoError(t, err)
	_, err = h.service.OpenPublic(ctx, ada, "public", "")
	require.NoError(t, err)
	return first.Record.ID, disabled, expired, ended
}

// rename gives a key another name and other addresses, past the pages.
func (h *host) rename(t *testing.T, id, name string) {
	t.Helper()
	_, err := h.service.UpdateKey(t.Context(), h.ada(t), id, "", func(s *keys.Settings) error {
		s.Name, s.AllowedIPs = name, []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
		return nil
	})
	require.NoError(t, err)
}

// A shot is a page in a state that is worth looking at.
type shot struct {
	name, path string
	before     func(*tab) // what is done on it first
}

// unfold opens all that can be opened.
func unfold(w *tab) {
	eval[any](w, `document.querySelectorAll("details").forEach((d) => d.open = true)`)
}

// inUseShots are pages of a host in use, in the order in which they can be looked at.
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
			_, err := w.host.service.RefreshUserKey(w.t.Context(), w.host.ada(w.t), "ada", "", keys.Renewal{})
			require.NoError(w.t, err)
			require.EqualValues(w.t, 409, w.button("refresh"))
		}},
		{"keys", "/system/api", nil},
		{"keys-not-found", "/system/api?q=nothing", nil},
		{"key", key + build, nil},
		{"key-unfolded", key + build, unfold},
		{"key-conflict", key + build, func(w *tab) {
			w.host.rename(w.t, build, "Website build (hourly)")
			w.fill("name", " of the shop")
			require.EqualValues(w.t, 409, w.button("save"))
		}},
		{"key-saved", key + build, func(w *tab) { require.EqualValues(w.t, 200, w.button("save")) }},
		{"key-refreshed", key + build, func(w *tab) { w.choose("overlap", "24h"); w.button("refresh") }},
		{"key-disabled", key + disabled, unfold},
		{"key-expired", key + expired, unfold},
		{"key-ended", key + ended, unfold},
		{"key-create", "/system/api/create", nil},
		{"key-create-refused", "/system/api/create", func(w *tab) { w.fill("allowed_ips", "here"); w.button("create") }},
		{"public-open", "/system/api/public", nil},
		{"public-preview", "/system/api/public?role=editor", nil},
		{"public-refused", "/system/api/public?role=editor", func(w *tab) { require.EqualValues(w.t, 409, w.button("open")) }},
		{"users", "/system/users", nil},
		{"users-not-found", "/system/users?q=nobody", nil},
		{"user-key", "/system/users/user/bob", unfold},
		{"user-key-none", "/system/users/user/eve", nil},
		{"roles", "/system/users/roles", nil},
		{"role", "/system/users/roles/role/editor", nil},
		{"role-used", "/system/users/roles/role/public", unfold},
		{"role-unused", "/system/users/roles/role/guestbook", unfold},
		{"role-typo", "/system/users/roles/role/keeper", unfold},
		{"role-gains", "/system/users/roles/role/public", func(w *tab) { w.fill("allow", "content/*/delete"); w.button("save") }},
		{"role-conflict", "/system/users/roles/role/guestbook", func(w *tab) {
			role, err := w.host.service.Role(w.t.Context(), w.host.ada(w.t), "guestbook")
			require.NoError(w.t, err)
			role.Info, role.Permissions = "For guests.", roles.Grants{"content/posts/create": true, "content/posts/update": false}
			require.NoError(w.t, w.host.service.UpdateRole(w.t.Context(), w.host.ada(w.t), role, ""))
			w.fill("name", " of the hotel")
			require.EqualValues(w.t, 409, w.button("save"))
		}},
		{"role-filter", "/system/users/roles/role/editor", func(w *tab) { w.do(chromedp.SendKeys(chromedp.CSS("#filter"), "posts")) }},
		{"role-create", "/system/users/roles/create", nil},
		{"role-refused", "/system/users/roles/create", func(w *tab) {
			w.fill("appid", "new")
			w.fill("allow", "a//b")
			require.EqualValues(w.t, 400, w.button("create"))
		}},
		{"role-taken", "/system/users/roles/create", func(w *tab) { w.fill("appid", "editor"); require.EqualValues(w.t, 409, w.button("create")) }},
		{"matrix", "/system/users/roles/matrix", nil},
		{"matrix-why", "/system/users/roles/matrix?role=editor&permission=content%2Fsettings%2Fupdate#why", nil},
		{"matrix-template", "/system/users/roles/matrix?role=editor&permission=content%2F%7Bmodel%7D%2Fread", nil},
		{"audit", "/system/audit", nil},
		{"audit-unfolded", "/system/audit", unfold},
		{"audit-not-found", "/system/audit?actor=nobody", nil},
		{"not-found", "/system/nowhere", nil},
		{"not-this-key", "/system/api/key/nothing", nil},
	}
}

// hostile is a name that somebody might have.
const hostile = "\"><img src=x onerror=alert(1)> \u202eevil\u202c שלום 👩\u200d👩\u200d👧\u200d👦 "

// TestPages looks at every page, light, dark, as narrow as a phone and zoomed in: axe-core finds no serious fault,
// nothing is cut off, fingers find what they press, and a picture is written for people.
func TestPages(t *testing.T) {
	axe := readAxe(t)
	folder := os.Getenv("SCREENSHOTS")
	if folder != "" {
		require.NoError(t, os.MkdirAll(folder, 0o755))
	}
	t.Parallel()
	look := func(name string, h func(*testing.T) (*host, []shot), user string) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, shots := h(t)
			w := newTab(t, h)
			w.signIn(user, "/system/")
			for _, s := range shots {
				w.look(s, axe, folder)
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
		var users []auth.User
		var stored []roles.Role
		for i := range 60 {
			users = append(users, auth.User{ID: fmt.Sprintf("user%02d", i), Name: fmt.Sprintf("User number %d", i), Role: fmt.Sprintf("role%02d", i), Active: i%7 > 0})
			stored = append(stored, roles.Role{AppID: fmt.Sprintf("role%02d", i), Permissions: roles.Grants{"content/*/read": i%2 == 0, "content/posts/create": i%3 == 0}})
		}
		h := newHostOf(t, users, stored...)
		for i := range 60 {
			_, err := h.service.CreateKey(t.Context(), h.ada(t), keys.Custom{Name: fmt.Sprintf("Program %d", i), Role: fmt.Sprintf("role%02d", i)})
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
				_, err := w.host.service.CreateKey(w.t.Context(), w.host.ada(w.t), keys.Custom{Name: "Build"})
				require.NoError(w.t, err)
				w.open("/system/api")
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
			{"refused-cover", "/system/api/create", func(w *tab) { w.choose("role", "editor"); require.EqualValues(w.t, 403, w.button("create")) }},
		}
	}, "kim")
}

// readAxe finds axe-core.
func readAxe(t *testing.T) string {
	t.Helper()
	path := os.Getenv("AXE_CORE")
	if path == "" {
		path = "node_modules/axe-core/axe.min.js"
	}
	script, err := os.ReadFile(path)
	if err != nil {
		absent(t, "axe-core", "npm install --prefix DIR axe-core, then AXE_CORE=DIR/node_modules/axe-core/axe.min.js")
	}
	return string(script)
}

// A way is how a page is looked at. Two hundred per cent zoom is a window with half the pixels, each twice as large.
type way struct {
	name, scheme string
	width        int64
	scale        float64
	axe          bool
}

// ways are all of them if LATCHKEY_LONG is set or pictures are wanted, else one of each scheme and each layout.
func ways() []way {
	light, phoneDark := way{"light", "light", 1280, 1, true}, way{"phone-dark", "dark", 390, 1, true}
	narrow := way{"narrow", "light", 320, 1, false}
	if os.Getenv("LATCHKEY_LONG") == "" && os.Getenv("SCREENSHOTS") == "" {
		return []way{light, phoneDark, narrow}
	}
	return []way{light, {"dark", "dark", 1280, 1, true}, {"phone", "light", 390, 1, true}, phoneDark, narrow, {"zoomed", "dark", 640, 2, false}}
}

// look looks at a page in each way. What has to be done on it first is done once.
func (w *tab) look(s shot, axe, folder string) {
	w.t.Run(s.name, func(t *testing.T) {
		w := &tab{t, w.ctx, w.host}
		w.size(1280, 800)
		w.scheme("light")
		w.open(s.path)
		if s.before != nil {
			s.before(w)
		}
		eval[any](w, axe+"; null")
		for _, way := range ways() {
			w.zoom(way.width, 800, way.scale)
			w.scheme(way.scheme)
			if way.axe {
				for _, fault := range w.faults() {
					t.Errorf("%s: %s", way.name, fault)
				}
			}
			if wide := eval[int64](w, "document.documentElement.scrollWidth"); wide > way.width {
				t.Errorf("%s: the page is %d px wide, and the window %d", way.name, wide, way.width)
			}
			for _, cut := range eval[[]string](w, cutOff) {
				t.Errorf("%s: cut off: %s", way.name, cut)
			}
			if way.width < 400 {
				for _, small := range eval[[]string](w, tooSmall) {
					t.Errorf("%s: too small for a finger: %s", way.name, small)
				}
			}
			if folder == "" {
				continue
			}
			picture, err := chromedp.Run(w.ctx, chromedp.FullScreenshot(100))
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(folder, s.name+"-"+way.name+".png"), picture, 0o644))
		}
	})
}

// tooSmall finds what is to be pressed and is less than 44 px high, but for links within sentences. What a label
// enlarges counts with its label.
const tooSmall = `[...document.querySelectorAll("button, .button, summary, nav a, select, input, label, .list tbody th a, .cell a")].filter((e) => {
	if (e.matches("label:not(:has(input))") || e.matches("label input") || !e.checkVisibility({visibilityProperty: true})) return false;
	const box = e.getBoundingClientRect();
	return box.width > 1 && box.height < 43.5;
}).map((e) => e.getBoundingClientRect().height + " " + e.outerHTML.slice(0, 120))`

// cutOff finds elements whose text is wider than they are, but for those that can be scrolled, that end in an ellipsis and
// those only for screen readers. (Inputs scroll by themselves.)
const cutOff = `[...document.querySelectorAll("body *")].filter((e) => {
	const style = getComputedStyle(e);
	return e.scrollWidth > e.clientWidth + 1 && style.overflowX === "hidden" && style.webkitLineClamp === "none" && style.clipPath === "none" && e.clientWidth > 1;
}).map((e) => e.outerHTML.slice(0, 120))`

// faults are what axe-core finds serious or critical on the page.
func (w *tab) faults() (faults []string) {
	w.t.Helper()
	report := eval[string](w, `axe.run(document, {resultTypes: ["violations"]}).then((r) => JSON.stringify({Passes: r.passes.length, Violations: r.violations}))`)
	var found struct {
		Passes     int
		Violations []struct {
			ID, Impact, Help string
			Nodes            []struct{ HTML, FailureSummary string }
		}
	}
	require.NoError(w.t, json.Unmarshal([]byte(report), &found))
	require.Greater(w.t, found.Passes, 10, "rules that looked at the page")
	for _, f := range found.Violations {
		text := fmt.Sprintf("%s (%s): %s", f.ID, f.Impact, f.Help)
		for _, node := range f.Nodes {
			text += "\n\t" + node.HTML + "\n\t\t" + strings.ReplaceAll(node.FailureSummary, "\n", " ")
		}
		if f.Impact == "serious" || f.Impact == "critical" {
			faults = append(faults, text)
		} else {
			w.t.Log(text)
		}
	}
	return faults
}
