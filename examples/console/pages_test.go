package console_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

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

// inUse fills the host: keys in every state, users with keys, and a log of all that. It returns the ID of a key.
func (h *host) inUse(t *testing.T) (id string) {
	t.Helper()
	ctx, ada := t.Context(), h.ada(t)
	create := func(k keys.Custom) keys.Issued {
		issued, err := h.service.CreateKey(ctx, ada, k)
		require.NoError(t, err)
		return issued
	}
	build := create(keys.Custom{Name: "Website build", Role: "editor", Scopes: []string{"content/*/read"}, ExpiresAt: time.Now().AddDate(1, 0, 0)})
	require.Equal(t, 200, h.get(t, "/api/pages/menus", build.Key.Reveal()))
	require.Eventually(t, func() bool {
		rec, err := h.ring.Get(ctx, build.Record.ID)
		return err == nil && !rec.LastUsedAt.IsZero()
	}, 5*time.Second, 5*time.Millisecond)
	create(keys.Custom{Name: "Newsletter", Role: "public"})
	create(keys.Custom{Name: "Import from the old site, only to be used at night and by the operations team", Role: ""})
	disabled := create(keys.Custom{Name: "Analytics", Role: "keeper"})
	_, err := h.service.DisableKey(ctx, ada, disabled.Record.ID, "")
	require.NoError(t, err)
	ended := create(keys.Custom{Name: "Old app", Role: "editor"})
	_, err = h.service.InvalidateKey(ctx, ada, ended.Record.ID, "")
	require.NoError(t, err)
	_, err = h.service.UpdateKey(ctx, ada, build.Record.ID, "", func(s *keys.Settings) error { s.Name = "Website build (nightly)"; return nil })
	require.NoError(t, err)
	_, err = h.service.CreateUserKey(ctx, ada, "bob", keys.User{})
	require.NoError(t, err)
	_, err = h.service.OpenPublic(ctx, ada, "public", "")
	require.NoError(t, err)
	return build.Record.ID
}

// A shot is a page in a state that is worth looking at.
type shot struct {
	name, path string
	before     func(*tab) // what is done on it first
}

func shots(id string) []shot {
	return []shot{
		{"own-key-none", "/system/users/user", nil},
		{"own-key-new", "/system/users/user", func(w *tab) { w.button("create") }},
		{"own-key", "/system/users/user", nil},
		{"own-key-refresh", "/system/users/user", func(w *tab) { eval[any](w, `document.querySelectorAll("details").forEach((d) => d.open = true)`) }},
		{"keys", "/system/api", nil},
		{"keys-not-found", "/system/api?q=nothing", nil},
		{"key", "/system/api/key/" + id, nil},
		{"key-unfolded", "/system/api/key/" + id, func(w *tab) { eval[any](w, `document.querySelectorAll("details").forEach((d) => d.open = true)`) }},
		{"key-create", "/system/api/create", nil},
		{"key-create-refused", "/system/api/create", func(w *tab) { w.fill("allowed_ips", "here"); w.button("create") }},
		{"public-open", "/system/api/public", nil},
		{"public-preview", "/system/api/public?role=editor", nil},
		{"public-refused", "/system/api/public?role=editor", func(w *tab) { w.button("open") }},
		{"users", "/system/users", nil},
		{"user-key", "/system/users/user/bob", nil},
		{"roles", "/system/users/roles", nil},
		{"role", "/system/users/roles/role/editor", nil},
		{"role-used", "/system/users/roles/role/public", func(w *tab) { eval[any](w, `document.querySelectorAll("details").forEach((d) => d.open = true)`) }},
		{"role-typo", "/system/users/roles/role/keeper", nil},
		{"role-gains", "/system/users/roles/role/public", func(w *tab) { w.fill("allow", "content/*/delete"); w.button("save") }},
		{"role-create", "/system/users/roles/create", nil},
		{"matrix", "/system/users/roles/matrix", nil},
		{"matrix-why", "/system/users/roles/matrix?role=editor&permission=content%2Fsettings%2Fupdate#why", nil},
		{"matrix-template", "/system/users/roles/matrix?role=editor&permission=content%2F%7Bmodel%7D%2Fread", nil},
		{"audit", "/system/audit", nil},
		{"audit-unfolded", "/system/audit", func(w *tab) { eval[any](w, `document.querySelectorAll("details").forEach((d) => d.open = true)`) }},
		{"not-found", "/system/nowhere", nil},
	}
}

// TestPages looks at every page, light, dark and as narrow as a phone: axe-core finds no serious fault, nothing is
// cut off, and a picture is written for people.
func TestPages(t *testing.T) {
	axe := readAxe(t)
	folder := os.Getenv("SCREENSHOTS")
	if folder == "" {
		folder = t.TempDir()
	}
	require.NoError(t, os.MkdirAll(folder, 0o755))
	t.Parallel()
	t.Run("in use", func(t *testing.T) {
		t.Parallel()
		h := newHost(t, someRoles...)
		id := h.inUse(t)
		w := newTab(t, h)
		w.signIn("ada", "/system/")
		for _, s := range shots(id) {
			w.look(s, axe, folder)
		}
	})
	t.Run("endless", func(t *testing.T) {
		t.Parallel()
		endless := roles.Role{AppID: strings.Repeat("A-role-without-end-", 3) + "1234567", Name: strings.Repeat("Endless", 20), Info: strings.Repeat("endless", 60)}
		h := newHost(t, append(someRoles[:len(someRoles):len(someRoles)], endless)...)
		issued, err := h.service.CreateKey(t.Context(), h.ada(t), keys.Custom{Name: strings.Repeat("Endless", 20), Role: endless.AppID, Scopes: []string{strings.Repeat("endless-", 8) + "/**"}})
		require.NoError(t, err)
		w := newTab(t, h)
		w.signIn("ada", "/system/")
		for _, s := range []shot{
			{"endless-keys", "/system/api", nil}, {"endless-key", "/system/api/key/" + issued.Record.ID, nil}, {"endless-public", "/system/api/public?role=" + endless.AppID, nil},
			{"endless-roles", "/system/users/roles", nil}, {"endless-role", "/system/users/roles/role/" + endless.AppID, nil},
			{"endless-matrix", "/system/users/roles/matrix?permission=a/b&role=" + endless.AppID, nil}, {"endless-audit", "/system/audit", nil},
		} {
			w.look(s, axe, folder)
		}
	})
	t.Run("new", func(t *testing.T) {
		t.Parallel()
		w := newTab(t, newHost(t))
		w.signIn("ada", "/system/")
		for _, s := range []shot{
			{"empty-keys", "/system/api", nil}, {"empty-public", "/system/api/public", nil}, {"empty-roles", "/system/users/roles", nil},
			{"empty-role-create", "/system/users/roles/create", nil}, {"empty-matrix", "/system/users/roles/matrix", nil}, {"empty-audit", "/system/audit", nil},
		} {
			w.look(s, axe, folder)
		}
	})
	t.Run("closed", func(t *testing.T) {
		t.Parallel()
		w := newTab(t, newHost(t, someRoles...))
		w.signIn("ada", "/system/")
		w.look(shot{"public-closed", "/system/api/public", nil}, axe, folder)
		w.look(shot{"public-reads", "/system/api/public?role=public", nil}, axe, folder)
	})
	t.Run("no permission", func(t *testing.T) {
		t.Parallel()
		w := newTab(t, newHost(t, someRoles...))
		w.signIn("bob", "/system/api")
		w.look(shot{"refused", "/system/api", nil}, axe, folder)
		w.look(shot{"refused-user", "/system/users/user", nil}, axe, folder)
	})
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
		for _, way := range []struct {
			name, scheme string
			width        int64
		}{{"light", "light", 1280}, {"dark", "dark", 1280}, {"phone", "light", 390}} {
			w.size(way.width, 800)
			w.scheme(way.scheme)
			for _, fault := range w.faults() {
				t.Errorf("%s: %s", way.name, fault)
			}
			if wide := eval[int64](w, "document.documentElement.scrollWidth"); wide > way.width {
				t.Errorf("%s: the page is %d px wide, and the window %d", way.name, wide, way.width)
			}
			for _, cut := range eval[[]string](w, cutOff) {
				t.Errorf("%s: cut off: %s", way.name, cut)
			}
			picture, err := chromedp.Run(w.ctx, chromedp.FullScreenshot(100))
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(folder, s.name+"-"+way.name+".png"), picture, 0o644))
		}
	})
}

// cutOff finds elements whose text is wider than they are, but for those that can be scrolled and those only for
// screen readers. (Inputs scroll by themselves.)
const cutOff = `[...document.querySelectorAll("body *")].filter((e) => {
	const style = getComputedStyle(e);
	return e.scrollWidth > e.clientWidth + 1 && style.overflowX === "hidden" && style.clipPath === "none" && e.clientWidth > 1;
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
