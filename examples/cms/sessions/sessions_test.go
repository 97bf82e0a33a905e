package sessions_test

import (
	"database/sql"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/examples/cms/sessions"
	"github.com/latchkey-go/latchkey/examples/cms/users"
)

// A session ends when its time is up, an invalid session is no user, and a store failure is an error.
func TestSessions(t *testing.T) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "cms.db"))
	require.NoError(t, err)
	defer db.Close()
	require.NoError(t, sqlstore.Migrate(t.Context(), db, sqlstore.SQLite))
	store, err := sqlstore.Open(t.Context(), db, sqlstore.SQLite)
	require.NoError(t, err)
	defer store.Close()
	_, err = db.ExecContext(t.Context(), users.Schema(sqlstore.SQLite)+sessions.Schema)
	require.NoError(t, err)
	table := users.New(store)
	login, password, err := table.First(t.Context())
	require.NoError(t, err)
	id, epoch, err := table.SignIn(t.Context(), login, password)
	require.NoError(t, err)
	all := sessions.New(store, table, false)

	begin := func(with ...*http.Cookie) *http.Cookie {
		t.Helper()
		w, r := httptest.NewRecorder(), httptest.NewRequest("POST", "/login", nil)
		for _, c := range with {
			r.AddCookie(c)
		}
		require.NoError(t, all.Begin(w, r, id, epoch))
		return w.Result().Cookies()[0]
	}
	who := func(c *http.Cookie) string {
		t.Helper()
		r := httptest.NewRequest("GET", "/", nil)
		r.AddCookie(c)
		user, err := all.User(r)
		require.NoError(t, err)
		return user
	}
	first := begin()
	require.Equal(t, id, who(first))
	for _, value := range []string{"", "x", strings.ToUpper(first.Value), first.Value + "A", "a%00b", strings.Repeat("x", 4000)} {
		require.Empty(t, who(&http.Cookie{Name: first.Name, Value: value}), "%q", value)
	}
	second := begin(first)
	require.NotEqual(t, first.Value, second.Value, "signing in takes over no earlier token")
	require.Empty(t, who(first), "and the session before is over")
	require.Equal(t, id, who(second))

	for _, both := range [][]*http.Cookie{{second, {Name: second.Name, Value: "planted"}}, {{Name: second.Name, Value: "planted"}, second}, {second, begin()}} {
		r := httptest.NewRequest("GET", "/", nil)
		r.AddCookie(both[0])
		r.AddCookie(both[1])
		user, err := all.User(r)
		require.NoError(t, err)
		require.Empty(t, user, "one of them may have been planted by what else runs on this host")
	}

	for _, leave := range []func(http.ResponseWriter, *http.Request) error{
		all.End, func(w http.ResponseWriter, r *http.Request) error { return all.Begin(w, r, id, epoch) },
	} {
		mine := begin()
		r := httptest.NewRequest("POST", "/logout", nil)
		r.AddCookie(&http.Cookie{Name: mine.Name, Value: "planted"})
		r.AddCookie(mine)
		require.NoError(t, leave(httptest.NewRecorder(), r))
		require.Empty(t, who(mine), "a cookie beside it does not keep a session going")
	}

	_, err = db.ExecContext(t.Context(), `UPDATE cms_sessions SET expiry = $1`, time.Now().Unix()-1)
	require.NoError(t, err)
	require.Empty(t, who(second))
	begin()
	var left int
	require.NoError(t, db.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM cms_sessions`).Scan(&left))
	require.Equal(t, 1, left, "what has expired is cleared away")

	require.NoError(t, db.Close())
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(second)
	_, err = all.User(r)
	require.Error(t, err, "a store failure, not a missing user")
}
