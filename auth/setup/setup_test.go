package setup_test

import (
	"bytes"
	"context"
	"database/sql"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/auth/admin/console"
	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/auth/setup"
	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// firstKey is in the ring's format. It was made by the command in the package comment.
const firstKey = "API-31af51f6156406100684470eda9c62fdba62f13c"

var (
	reader = roles.Role{AppID: "reader", Permissions: roles.Grants{"content/pages/read": true}}
	writer = roles.Role{AppID: "writer", Permissions: roles.Grants{"content/pages/read": true, "content/pages/update": true}}
)

func catalog(t *testing.T) *roles.Catalog {
	c, err := roles.NewCatalog(roles.Group{Name: "Content", Permissions: []roles.Entry{
		{Permission: "content/pages/read", Effect: roles.EffectRead}, {Permission: "content/pages/update"},
	}})
	require.NoError(t, err)
	return c
}

func open(t *testing.T, c setup.Config) *setup.Installation {
	t.Helper()
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	lk, err := setup.Open(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, lk.Close(context.Background())) })
	return lk
}

// get returns the status of a GET with a key, or without one.
func get(lk *setup.Installation, mux http.Handler, path, key string) int {
	r := httptest.NewRequest("GET", path, nil)
	if key != "" {
		r.Header.Set("api-key", key)
	}
	w := httptest.NewRecorder()
	lk.Guard.Identify(mux).ServeHTTP(w, r)
	return w.Code
}

func done(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }

// Nothing can be forgotten, or set twice, without an error that names it, and all of them at once.
func TestMistakes(t *testing.T) {
	users := auth.UserMap{}
	for want, c := range map[string]setup.Config{
		"DB and Store are both set":                           {DB: new(sql.DB), Dialect: sqlstore.SQLite, Store: new(sqlstore.Store)},
		"DB and Dialect need each other":                      {DB: new(sql.DB)},
		"Config.DB and Dialect need each other":               {Dialect: sqlstore.SQLite},
		"no database to listen to":                            {Listen: func(context.Context, string, func()) error { return nil }},
		"ListUsers, DropRole or":                              {ListUsers: func(context.Context, admin.UserFilter) ([]auth.User, error) { return nil, nil }},
		"DropRole or SignedIn":                                {DropRole: func(context.Context, string) error { return nil }},
		"SignedIn is set without Users":                       {SignedIn: func(*http.Request) (string, error) { return "", nil }},
		"Staleness is negative":                               {Staleness: -2},
		"Keys has a Store, LastUsed or Feed":                  {Keys: keys.Config{Store: keys.NewMemoryStore()}},
		"Keys has a Store, LastUsed or Feed:":                 {Keys: keys.Config{LastUsed: new(sqlstore.Keys)}},
		"Keys has a Store, LastUsed or Feed: Open":            {Keys: keys.Config{Feed: new(sqlstore.Keys)}},
		"Keys has a Staleness or OnError":                     {Keys: keys.Config{Staleness: time.Second}},
		"Keys has a Staleness or OnError: set":                {Keys: keys.Config{OnError: func(error) {}}},
		"Guard has Keys, Roles or":                            {Guard: auth.Config{Keys: keys.NewRing(keys.NewMemoryStore())}},
		"Guard has Keys, Roles or RoleChanges":                {Guard: auth.Config{Roles: roles.MustCompile()}},
		"Guard.Anonymous is set":                              {Guard: auth.Config{Anonymous: publicapi.Fixed("reader")}},
		"Guard has Users or SignedIn":                         {Guard: auth.Config{Users: users}},
		"Guard has Users or SignedIn: set":                    {Guard: auth.Config{SignedIn: func(*http.Request) (string, error) { return "", nil }}},
		"Guard has Keys, Roles or RoleChanges: Open":          {Guard: auth.Config{RoleChanges: func(func(before, now *roles.Policy)) func() { return nil }}},
		"Start.Roles: ":                                       {Start: setup.Start{Roles: []roles.Role{{AppID: "a", Inherits: []string{"missing"}}}}},
		"PublicWrites is set without Public":                  {Start: setup.Start{PublicWrites: []string{"a/b"}}},
		`no role "reader" that can be public`:                 {Start: setup.Start{Public: "reader", Roles: []roles.Role{writer}}},
		`no role "admin" that can be public`:                  {Start: setup.Start{Public: "admin", Roles: []roles.Role{writer}}},
		`no role "gone" that can be public`:                   {Start: setup.Start{Public: "gone"}},
		`PublicWrites has to be exactly ["content/pages/upd`:  {Start: setup.Start{Public: "writer", Roles: []roles.Role{writer}}, Catalog: catalog(t)},
		`PublicWrites has to be exactly ["content/pages/read`: {Start: setup.Start{Public: "reader", Roles: []roles.Role{reader}}},
		"Administrator is empty":                              {Start: setup.Start{Key: keys.NewKey(firstKey)}},
		"neither a Key for the administrator nor Show":        {Start: setup.Start{Administrator: "Operator"}},
		"Start.Key is not a key of this installation":         {Start: setup.Start{Administrator: "Operator", Key: keys.NewKey("API-31af51f6156406100684470eda9c62fdba62f13d")}},
		"begins with prefix":                                  {Keys: keys.Config{CustomPrefixes: []string{"a-", "a-b-"}}},
	} {
		_, err := setup.Open(t.Context(), c)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "31af51f6", "no error tells the key")
	}
	_, err := setup.Open(t.Context(), setup.Config{
		Dialect: sqlstore.SQLite, Keys: keys.Config{Store: keys.NewMemoryStore()}, Start: setup.Start{Administrator: "Operator"},
	})
	for _, each := range []string{"DB and Dialect", "Keys has a Store", "administrator"} {
		require.ErrorContains(t, err, each)
	}
}

func TestFirstStart(t *testing.T) {
	lk := open(t, setup.Config{Catalog: catalog(t), Start: setup.Start{
		Roles: []roles.Role{reader, writer}, Public: "writer", PublicWrites: []string{"content/pages/update"},
		Administrator: "Operator", Key: keys.NewKey(firstKey),
	}})
	mux := http.NewServeMux()
	lk.Guard.Handle(mux, "GET /pages", "content/pages/update", http.HandlerFunc(done))
	lk.Guard.Handle(mux, "GET /users", "users/read", http.HandlerFunc(done))
	require.Equal(t, 200, get(lk, mux, "/pages", ""))
	require.Equal(t, 401, get(lk, mux, "/users", ""))
	require.Equal(t, 200, get(lk, mux, "/users", firstKey))

	records, err := lk.Admin.Config().Audit.List(t.Context(), audit.Filter{})
	require.NoError(t, err)
	var actions []string
	for _, r := range records {
		require.Equal(t, "setup", r.Actor)
		actions = append(actions, r.Action+" "+r.Object)
	}
	first, err := lk.Keys.List(t.Context(), keys.Filter{})
	require.NoError(t, err)
	require.Len(t, first, 1)
	require.Equal(t, []string{"key.create " + first[0].ID, "public.set public", "role.create writer", "role.create reader"}, actions)
}

// A key that is of no use is an error where it is made, also if the role was made by another node a moment ago, or is
// given to a key later.
func TestAKeyNeedsItsRoleAndItsUsers(t *testing.T) {
	lk := open(t, setup.Config{Start: setup.Start{Roles: []roles.Role{reader}}})
	issue := func(role string) (keys.Issued, error) {
		return lk.Keys.IssueCustom(t.Context(), keys.Custom{Role: role})
	}
	give := func(id, role string) error {
		_, err := lk.Keys.Update(t.Context(), id, func(s *keys.Settings) error { s.Role = role; return nil })
		return err
	}
	issued, err := issue("reader")
	require.NoError(t, err)
	for _, role := range []string{"reeder", "Reader", "ADMIN"} {
		_, err = issue(role)
		require.ErrorIs(t, err, keys.ErrRefused)
		require.ErrorContains(t, err, "there is no role \""+role+"\"")
		require.ErrorIs(t, give(issued.Record.ID, role), keys.ErrRefused)
	}
	for _, role := range []string{"", roles.Admin, "reader"} {
		_, err = issue(role)
		require.NoError(t, err)
		require.NoError(t, give(issued.Record.ID, role))
	}
	_, err = lk.Keys.IssueUser(t.Context(), "ada", keys.User{})
	require.ErrorIs(t, err, keys.ErrRefused)
	require.ErrorContains(t, err, "setup.Config.Users")

	_, revision, err := lk.Admin.Config().RoleStore.Load(t.Context())
	require.NoError(t, err)
	require.NoError(t, lk.Admin.Config().RoleStore.Save(t.Context(), writer, revision))
	require.False(t, lk.Roles.Policy().Has("writer"), "this node does not know it yet")
	_, err = issue("writer")
	require.NoError(t, err)
}

// A key of random digits is shown once, and not where a value was given.
func TestTheFirstKeyIsShown(t *testing.T) {
	var shown []string
	show := func(k keys.Key) { shown = append(shown, k.Reveal()) }
	lk := open(t, setup.Config{Start: setup.Start{Administrator: "Operator", Show: show}})
	require.Len(t, shown, 1)
	v, err := lk.Keys.Verify(t.Context(), shown[0])
	require.NoError(t, err)
	require.Equal(t, roles.Admin, v.Role())
	open(t, setup.Config{Start: setup.Start{Administrator: "Operator", Show: show, Key: keys.NewKey(firstKey)}})
	require.Len(t, shown, 1)
}

func TestMounted(t *testing.T) {
	lk := open(t, setup.Config{
		Users:    auth.UserMap{"ada": {Name: "Ada", Role: roles.Admin, Active: true}},
		SignedIn: func(r *http.Request) (string, error) { return r.Header.Get("X-Test-User"), nil },
		Start:    setup.Start{Administrator: "Operator", Key: keys.NewKey(firstKey)},
	})
	mux := http.NewServeMux()
	lk.MountAPI(mux, "/admin")
	lk.MountConsole(mux, "/system/", console.Config{SignIn: "/login"})
	lk.Guard.HandleOpen(mux, "GET /healthz", lk.Healthz())
	require.Equal(t, 401, get(lk, mux, "/admin/keys", ""))
	require.Equal(t, 200, get(lk, mux, "/admin/keys", firstKey))
	require.Equal(t, 303, get(lk, mux, "/system/api", ""))
	require.Equal(t, 200, get(lk, mux, "/healthz", ""))
	health := func(key string) string {
		r, w := httptest.NewRequest("GET", "/healthz", nil), httptest.NewRecorder()
		if key != "" {
			r.Header.Set("api-key", key)
		}
		lk.Guard.Identify(mux).ServeHTTP(w, r)
		return w.Body.String()
	}
	require.Equal(t, "ready\n", health(""), "a stranger learns no more")
	require.Regexp(t, `^ready\nThe store confirmed the roles [\d.]+[µmn]?s ago\.\n$`, health(firstKey))
	require.NoError(t, lk.Close(t.Context()))
	require.Equal(t, 503, get(lk, mux, "/healthz", ""))
	require.NoError(t, lk.Close(t.Context()), "again")
}

// Removing a user ends the keys and is on record. A user without keys is no error.
func TestUserRemoved(t *testing.T) {
	users := auth.UserMap{"ada": {Name: "Ada", Role: roles.Admin, Active: true}}
	lk := open(t, setup.Config{Users: users, Keys: keys.Config{SeveralPerUser: true}})
	mux := http.NewServeMux()
	lk.Guard.Handle(mux, "GET /pages", "content/pages/read", http.HandlerFunc(done))
	var texts []string
	for range 2 {
		issued, err := lk.Keys.IssueUser(t.Context(), "ada", keys.User{})
		require.NoError(t, err)
		texts = append(texts, issued.Key.Reveal())
		require.Equal(t, 200, get(lk, mux, "/pages", texts[0]))
	}
	require.NoError(t, lk.UserRemoved(t.Context(), "ada"))
	require.NoError(t, lk.UserRemoved(t.Context(), "bob"))
	for _, text := range texts {
		require.Equal(t, 401, get(lk, mux, "/pages", text))
	}
	records, err := lk.Admin.Config().Audit.List(t.Context(), audit.Filter{Action: "user.remove", Object: "ada"})
	require.NoError(t, err)
	require.Len(t, records, 1)
	require.EqualValues(t, 2, records[0].After["keys"])
}

// The log gets each decision, unless the host observes them itself.
func TestDecisionsAreLogged(t *testing.T) {
	var out bytes.Buffer
	c := setup.Config{Logger: slog.New(slog.NewTextHandler(&out, nil))}
	ask := func() {
		lk := open(t, c)
		mux := http.NewServeMux()
		lk.Guard.Handle(mux, "GET /pages", "content/pages/read", http.HandlerFunc(done))
		require.Equal(t, 401, get(lk, mux, "/pages", firstKey))
	}
	ask()
	require.Contains(t, out.String(), "reason=invalid_key")
	require.NotContains(t, out.String(), "31af51f6")
	out.Reset()
	var seen []auth.Event
	c.Guard.Observe = func(_ context.Context, e auth.Event) { seen = append(seen, e) }
	ask()
	require.Len(t, seen, 1)
	require.Equal(t, auth.ReasonInvalidKey, seen[0].Reason)
	require.Empty(t, out.String())
}

// Host code that breaks while the installation opens leaves nothing running.
func TestNothingIsLeftRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, err := setup.Open(t.Context(), setup.Config{
			Start: setup.Start{Roles: []roles.Role{reader}}, Guard: auth.Config{QueryNames: []string{""}},
		})
		require.Error(t, err)
		lk, err := setup.Open(t.Context(), setup.Config{Logger: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		time.Sleep(time.Hour)
		require.NoError(t, lk.Close(t.Context()))
	})
}
