package console_test

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/auth/admin/console"
	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// users is a host's table of users.
type users struct{ auth.UserMap }

func (u users) List(_ context.Context, f admin.UserFilter) ([]auth.User, error) {
	var page []auth.User
	for _, user := range u.UserMap {
		text := strings.ToLower(user.ID + " " + user.Name)
		if user.ID > f.After && (f.Role == "" || f.Role == user.Role) && strings.Contains(text, strings.ToLower(f.Text)) {
			page = append(page, user)
		}
	}
	slices.SortFunc(page, func(a, b auth.User) int { return cmp.Compare(a.ID, b.ID) })
	return page[:min(len(page), f.Limit)], nil
}

// A world is an application with the console at /system. A cookie "user" says who is signed in.
type world struct {
	t       *testing.T
	prefix  string
	ring    *keys.Ring
	guard   *auth.Guard
	service *admin.Service
	log     *audit.MemoryLog
	config  console.Config
	handler http.Handler
	limited bool // no more requests
}

// theUsers are one for each permission, one with none, and one with a name that is a script.
var theUsers = auth.UserMap{
	"ada":   {ID: "ada", Name: "Ada", Role: roles.Admin, Active: true},
	"bob":   {ID: "bob", Name: "Bob", Role: "viewer", Active: true},
	"kay":   {ID: "kay", Name: "Kay", Role: "keeper", Active: true},
	"rolf":  {ID: "rolf", Name: "Rolf", Role: "rolemaker", Active: true},
	"una":   {ID: "una", Name: "Una", Role: "warden", Active: true},
	"lou":   {ID: "lou", Name: "Lou", Role: "reader", Active: true},
	"gone":  {ID: "gone", Name: "Gone", Role: roles.Admin},
	"x/<b>": {ID: "x/<b>", Name: "<script>alert('user')</script>", Role: "viewer", Active: true},
}

var theRoles = []roles.Role{
	{AppID: "viewer", Name: "Viewer", Permissions: roles.Grants{"content/posts/read": true}},
	{AppID: "editor", Name: "Editor", Inherits: []string{"viewer"}, Permissions: roles.Grants{"content/*/create": true, "content/pages/create": false}},
	{AppID: "keeper", Permissions: roles.Grants{admin.ManageAPI: true, "content/**": true}},
	{AppID: "rolemaker", Permissions: roles.Grants{admin.ManageRoles: true}},
	{AppID: "warden", Permissions: roles.Grants{admin.ManageUsers: true}},
	{AppID: "reader", Permissions: roles.Grants{admin.ReadLogs: true}},
}

// newWorld makes an application; change may alter the console's configuration.
func newWorld(t *testing.T, change ...func(*console.Config)) *world {
	t.Helper()
	return newWorldOver(t, keys.NewMemoryStore(), func(*admin.Config) {}, change...)
}

// newWorldOver is newWorld over a store of one's own, and with another service.
func newWorldOver(t *testing.T, store keys.Store, manage func(*admin.Config), change ...func(*console.Config)) *world {
	t.Helper()
	return newWorldWith(t, theUsers, keys.NewRing(store), manage, change...)
}

// newWorldOf is newWorld with other users.
func newWorldOf(t *testing.T, people auth.UserMap) *world {
	t.Helper()
	return newWorldWith(t, people, keys.NewRing(keys.NewMemoryStore()), func(*admin.Config) {})
}

func newWorldWith(t *testing.T, people auth.UserMap, ring *keys.Ring, manage func(*admin.Config), change ...func(*console.Config)) *world {
	t.Helper()
	w := &world{t: t, prefix: "/system", ring: ring, log: audit.NewMemoryLog(0)}
	t.Cleanup(func() { require.NoError(t, w.ring.Close(context.Background())) })
	rows := roles.NewMemoryStore(theRoles...)
	directory, err := roles.Open(t.Context(), roles.Config{Store: rows})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, directory.Close(context.Background())) })
	catalog, err := roles.NewCatalog(
		roles.Group{Name: "Content", Permissions: []roles.Entry{
			{Permission: "content/{model}/read", Label: "Read {model}", Effect: roles.EffectRead},
			{Permission: "content/{model}/create", Label: "Create {model}"},
		}},
		roles.Group{Name: "Plugins", Permissions: []roles.Entry{{Permission: "plugin/{name}/use", Label: "Use {name}"}}},
		roles.Group{Name: "System", Permissions: []roles.Entry{
			{Permission: admin.ManageAPI, Label: "Manage Api access"}, {Permission: admin.ManageRoles, Label: "Manage roles"},
			{Permission: admin.ManageUsers, Label: "Manage users"}, {Permission: admin.ReadLogs, Label: "View app logs", Effect: roles.EffectRead},
		}})
	require.NoError(t, err)
	public, err := publicapi.New(publicapi.Config{Store: publicapi.NewMemoryStore(), Directory: directory, Catalog: catalog,
		Names: func(context.Context) (map[string][]string, error) {
			return map[string][]string{"model": {"pages", "posts"}}, nil
		}})
	require.NoError(t, err)
	signedIn := func(r *http.Request) (string, error) {
		if c, err := r.Cookie("user"); err == nil {
			return url.QueryUnescape(c.Value)
		}
		return "", nil
	}
	w.guard, err = auth.New(auth.Config{Keys: w.ring, Roles: directory, Anonymous: public, Users: users{people}, SignedIn: signedIn,
		Limit: func(*http.Request, auth.Principal) (time.Duration, bool) { return 1500 * time.Millisecond, !w.limited }})
	require.NoError(t, err)
	managed := admin.Config{Keys: w.ring, Guard: w.guard, Roles: directory, RoleStore: rows, Public: public,
		Users: users{people}, Audit: w.log}
	manage(&managed)
	w.service, err = admin.New(managed)
	require.NoError(t, err)
	mux := http.NewServeMux()
	nothing := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	w.guard.Handle(mux, "GET /api/posts", "content/posts/read", nothing)
	w.guard.Handle(mux, "POST /api/{model}", "content/{model}/create", nothing)
	w.config = console.Config{SignIn: "/login", SignOut: "/logout", Title: "Shop",
		Links: []console.Link{{Text: "Wares", URL: "/wares"}}, APIURL: "/api/posts"}
	for _, f := range change {
		f(&w.config)
	}
	w.handler = http.StripPrefix(w.prefix, console.Handler(w.service, w.config))
	mux.Handle(w.prefix+"/", w.handler)
	w.handler = mux
	return w
}

// An answer is a page.
type answer struct {
	status int
	header http.Header
	body   string
}

// send sends a request as a user; "" is no user.
func (w *world) send(user, method, path string, form url.Values, headers ...string) answer {
	w.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r := httptest.NewRequestWithContext(w.t.Context(), method, w.prefix+path, body)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	if user != "" {
		r.AddCookie(&http.Cookie{Name: "user", Value: url.QueryEscape(user)})
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	recorder := httptest.NewRecorder()
	w.handler.ServeHTTP(recorder, r)
	return answer{recorder.Code, recorder.Header(), recorder.Body.String()}
}

// get asks for a page.
func (w *world) get(user, path string) answer { w.t.Helper(); return w.send(user, "GET", path, nil) }

// post sends a form with the revision that the page shows, as a browser would.
func (w *world) post(user, path, do string, form url.Values) answer {
	w.t.Helper()
	if form == nil {
		form = url.Values{}
	}
	form.Set("do", do)
	shown := w.get(user, path).body
	for _, name := range []string{"match", "opened"} {
		if value := hidden(shown, name); value != "" && form.Get(name) == "" {
			form.Set(name, value)
		}
	}
	return w.send(user, "POST", path, form)
}

// open chooses the public role as a browser would: the form that is sent is the one on the page with the preview.
func (w *world) open(user, role string, ticked ...string) answer {
	w.t.Helper()
	shown := w.get(user, "/api/public?role="+role).body
	return w.post(user, "/api/public", "open", url.Values{"role": {role}, "token": {hidden(shown, "token")}, "acknowledge": ticked})
}

// expect checks the status, and what stands on the page.
func (w *world) expect(a answer, status int, texts ...string) answer {
	w.t.Helper()
	require.Equal(w.t, status, a.status, "page: %s", a.main())
	for _, text := range texts {
		require.Contains(w.t, a.body, text)
	}
	return a
}

// follow goes where a change led to.
func (w *world) follow(user, path string, a answer) answer {
	w.t.Helper()
	require.Equal(w.t, http.StatusSeeOther, a.status, "page: %s", a.main())
	base, err := url.Parse(w.prefix + path)
	require.NoError(w.t, err)
	to, err := base.Parse(a.header.Get("Location"))
	require.NoError(w.t, err)
	inside, ok := strings.CutPrefix(to.String(), w.prefix)
	require.True(w.t, ok, "the redirect to %s leaves the prefix", to)
	return w.get(user, inside)
}

// main is the part of the page that differs from the others.
func (a answer) main() string {
	_, main, _ := strings.Cut(a.body, "<main")
	return main
}

// keyIn is the key that stands on a page, or "".
var keyIn = regexp.MustCompile(`(USR|API)-[0-9a-f]{40}`)

// ackIn finds what has to be ticked.
var ackIn = regexp.MustCompile(`name="acknowledge" value="([^"]*)"`)

// hidden is the value of a hidden input.
func hidden(body, name string) string {
	found := regexp.MustCompile(`<input type="hidden" name="` + name + `" value="([^"]*)">`).FindStringSubmatch(body)
	if found == nil {
		return ""
	}
	return found[1]
}

// custom issues a custom key, past the console.
func (w *world) custom(k keys.Custom) keys.Record {
	w.t.Helper()
	issued, err := w.ring.IssueCustom(w.t.Context(), k)
	require.NoError(w.t, err)
	return issued.Record
}

// good reports whether a key is valid now, and uses it.
func (w *world) good(key string) bool {
	w.t.Helper()
	v, err := w.ring.Verify(w.t.Context(), key)
	if err != nil {
		require.ErrorIs(w.t, err, keys.ErrInvalid)
	}
	v.Used()
	return err == nil
}
