package cockpit_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/auth/cockpit"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// A world is where tests import into: stores in memory that count what is written, and fail when they are told to.
type world struct {
	cockpit.Into
	keys  *keys.MemoryStore
	roles *roles.MemoryStore
	log   *audit.MemoryLog
	users map[string]cockpit.User

	writes int
	failAt int // the write that fails, counted from 1; 0 is none
}

var errBroken = errors.New("the disk is full")

func (w *world) write() error {
	w.writes++
	if w.writes == w.failAt {
		return errBroken
	}
	return nil
}

// newWorld has a pepper, takes weak keys, and knows that content/*/read only reads.
func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{
		keys: keys.NewMemoryStore(), roles: roles.NewMemoryStore(), log: audit.NewMemoryLog(0),
		users: map[string]cockpit.User{},
	}
	ring, err := keys.Open(keys.Config{
		Store: keyStore{w.keys, w}, ImportedKeys: true, Peppers: []keys.Pepper{keys.NewPepper("p", []byte(strings.Repeat("p", 32)))},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ring.Close(context.Background())) })
	catalog, err := roles.NewCatalog(roles.Group{Name: "Content", Permissions: []roles.Entry{
		{Permission: "content/{model}/read", Effect: roles.EffectRead}, {Permission: "content/{model}/update"},
	}})
	require.NoError(t, err)
	w.Into = cockpit.Into{
		Keys: ring, Roles: roleStore{w.roles, w}, Public: publicStore{publicapi.NewMemoryStore(), w}, Catalog: catalog,
		Users: userTable{w}, Audit: auditLog{w.log, w}, AllowWeak: true,
	}
	return w
}

type keyStore struct {
	keys.Store
	w *world
}

func (s keyStore) Insert(ctx context.Context, r keys.Record) error {
	if err := s.w.write(); err != nil && ctx.Err() == nil {
		return err
	}
	return s.Store.Insert(ctx, r)
}

func (s keyStore) Update(ctx context.Context, r keys.Record) error {
	if err := s.w.write(); err != nil {
		return err
	}
	return s.Store.Update(ctx, r)
}

type roleStore struct {
	roles.Store
	w *world
}

func (s roleStore) Save(ctx context.Context, r roles.Role, revision roles.Revision) error {
	if err := s.w.write(); err != nil {
		return err
	}
	return s.Store.Save(ctx, r, revision)
}

type publicStore struct {
	publicapi.Store
	w *world
}

func (s publicStore) Save(ctx context.Context, set publicapi.Setting) error {
	if err := s.w.write(); err != nil {
		return err
	}
	return s.Store.Save(ctx, set)
}

type auditLog struct {
	audit.Log
	w *world
}

func (l auditLog) Append(ctx context.Context, r audit.Record) error {
	if err := l.w.write(); err != nil {
		return err
	}
	return l.Log.Append(ctx, r)
}

type userTable struct{ w *world }

func (u userTable) Find(_ context.Context, id string) (cockpit.User, error) {
	if user, ok := u.w.users[id]; ok {
		return user, nil
	}
	return cockpit.User{}, auth.ErrNoUser
}

func (u userTable) Add(_ context.Context, user cockpit.User) error {
	if err := u.w.write(); err != nil {
		return err
	}
	u.w.users[user.ID] = user
	return nil
}

func (u userTable) Change(ctx context.Context, user cockpit.User) error { return u.Add(ctx, user) }

// plan and import do, and check that nothing goes wrong.
func (w *world) plan(t testing.TB, s *cockpit.Source) *cockpit.Report {
	t.Helper()
	report, err := cockpit.Plan(t.Context(), s, w.Into)
	require.NoError(t, err)
	return report
}

// bring imports, after it has checked that Plan writes nothing and says the same.
func (w *world) bring(t testing.TB, s *cockpit.Source) *cockpit.Report {
	t.Helper()
	before := w.writes
	planned := w.plan(t, s)
	require.Equal(t, before, w.writes, "Plan writes nothing")
	report, err := cockpit.Import(t.Context(), s, w.Into)
	require.NoError(t, err)
	require.Equal(t, planned, report, "Plan says what Import does")
	return report
}

// server is a guard over what was imported.
func (w *world) server(t testing.TB) http.Handler {
	t.Helper()
	stored, _, err := w.roles.Load(t.Context())
	require.NoError(t, err)
	policy, err := roles.Compile(stored...)
	require.NoError(t, err)
	public, err := publicapi.New(publicapi.Config{Store: w.Public, Roles: policy, Catalog: w.Catalog, Staleness: publicapi.AlwaysAsk})
	require.NoError(t, err)
	users := auth.UserMap{}
	for id, u := range w.users {
		users[id] = auth.User{ID: id, Name: u.Name, Role: u.Role, Active: u.Active}
	}
	guard, err := auth.New(auth.Config{Keys: w.Keys, Roles: policy, Anonymous: public, Users: users, Timeout: auth.NeverBlocks})
	require.NoError(t, err)
	return guard.RequireFunc(
		func(r *http.Request) (string, error) { return r.Header.Get("Wanted"), nil },
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }),
	)
}

// ask returns the status for a caller with this key; "" shows none.
func ask(server http.Handler, key, permission string) int {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Wanted", permission)
	if key != "" {
		r.Header.Set("api-key", key)
	}
	answer := httptest.NewRecorder()
	server.ServeHTTP(answer, r)
	return answer.Code
}

// record returns the one record with this foreign ID.
func (w *world) record(t testing.TB, id string) keys.Record {
	t.Helper()
	found, err := w.Keys.List(t.Context(), keys.Filter{ForeignID: id})
	require.NoError(t, err)
	require.Len(t, found, 1)
	return found[0]
}

func read(t testing.TB, text string) *cockpit.Source {
	t.Helper()
	s, err := cockpit.ReadJSON(strings.NewReader(text))
	require.NoError(t, err)
	return s
}

// fixture is what a real Cockpit holds.
func fixture(t testing.TB) *cockpit.Source {
	t.Helper()
	file, err := os.Open("testdata/cockpit-fixture.json")
	require.NoError(t, err)
	defer file.Close()
	s, err := cockpit.ReadJSON(file)
	require.NoError(t, err)
	return s
}

// fixtureKeys are the texts of the fixture's keys, by name of key or user.
func fixtureKeys(t testing.TB) map[string]string {
	t.Helper()
	raw, err := os.ReadFile("testdata/cockpit-fixture.json")
	require.NoError(t, err)
	var f struct {
		Users []struct{ User, APIKey string }  `json:"users"`
		Keys  []struct{ ID, Name, Key string } `json:"api_keys"`
	}
	require.NoError(t, json.Unmarshal(raw, &f))
	texts := map[string]string{}
	for _, u := range f.Users {
		texts[u.User] = u.APIKey
	}
	for _, k := range f.Keys {
		texts[k.Name] = k.Key
	}
	delete(texts, "public")
	maps.DeleteFunc(texts, func(_, text string) bool { return text == "" })
	require.Len(t, texts, 24)
	return texts
}

// reasons are the reasons of all entries about what with this ID or name, by verdict.
func reasons(r *cockpit.Report, what cockpit.What, id string) map[cockpit.Verdict]string {
	found := map[cockpit.Verdict]string{}
	for _, e := range r.Entries {
		if e.What == what && (e.ID == id || e.Name == id) {
			found[e.Verdict] = e.Reason
		}
	}
	return found
}
