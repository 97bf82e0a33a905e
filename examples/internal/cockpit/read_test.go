package cockpit_test

import (
	"database/sql"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/cockpit"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// made creates a database of Cockpit's shape with these rows, by table.
func made(t *testing.T, tables map[string][]any) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "made.sqlite"))
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	for table, rows := range tables {
		_, err := db.ExecContext(t.Context(), "CREATE TABLE `"+table+"` ( id INTEGER PRIMARY KEY AUTOINCREMENT, document TEXT )")
		require.NoError(t, err)
		for _, row := range rows {
			_, err := db.ExecContext(t.Context(), "INSERT INTO `"+table+"` (document) VALUES (?)", row)
			require.NoError(t, err)
		}
	}
	return db
}

func TestOddRows(t *testing.T) {
	db := made(t, map[string][]any{
		"roles": {nil, "", "{", `"editor"`, 7, []byte(`{"appid":"blob","permissions":[]}`), `{"appid":"reader"} {}`, `null`},
		"users": {`{"_id":"u","user":"ada","active":true,"role":"blob","apiKey":"` + edKey + `"}`, nil},
	})
	s, err := cockpit.ReadSQL(t.Context(), db)
	require.NoError(t, err)
	require.Equal(t, "cockpit: 1 roles, 1 users, 1 keys", s.String(), "the table api_keys is missing, and empty therefore")
	n := openSQLite(t, t.TempDir())
	report := n.bring(t, s)
	require.Equal(t, 7, report.Count(cockpit.AboutRole, cockpit.VerdictRefused))
	require.Equal(t, "row 3 is no JSON object", report.Entries[2].Reason)
	require.Equal(t, 1, report.Count(cockpit.AboutUser, cockpit.VerdictRefused))
	require.Equal(t, 1, report.Count(cockpit.AboutKey, cockpit.VerdictNew))
}

func TestWhatIsNoCockpitIsRefused(t *testing.T) {
	_, err := cockpit.ReadSQL(t.Context(), made(t, map[string][]any{"posts": {`{}`}}))
	require.ErrorContains(t, err, "none of the tables")
	_, err = cockpit.ReadSQL(t.Context(), system(t, filepath.Join(t.TempDir(), "missing.sqlite")))
	require.Error(t, err)
	_, err = cockpit.ReadV1(t.Context(), made(t, map[string][]any{"roles": {}}), nil)
	require.ErrorContains(t, err, "the table accounts is not there")

	db := made(t, nil)
	_, err = db.ExecContext(t.Context(), `CREATE TABLE users (id INTEGER PRIMARY KEY, `+"`"+edKey+"`"+` TEXT)`)
	require.NoError(t, err)
	_, err = cockpit.ReadSQL(t.Context(), db)
	require.Error(t, err, "a table of another shape")
}

func TestCockpit1(t *testing.T) {
	account := "account-" + text(text(text("", 1), 2), 3)
	require.Len(t, account, 8+120)
	master, whole, lines := text("", 4), text("", 5), text("", 6)
	accounts := made(t, map[string][]any{"accounts": {
		`{"_id":"a1","user":"ada","name":"Ada","email":"a@example.com","active":true,"group":"author","api_key":"` + account + `","_created":1500000000}`,
		`{"_id":"a2","user":"bob","active":true,"group":"admin","api_key":"` + account + `"}`,
		`{"_id":"a3","user":"eve","active":true,"group":"gone","api_key":"` + edKey + `"}`,
	}})
	kept := made(t, map[string][]any{"cockpit": {
		`{"key":"other","val":7}`,
		`{"key":"api_keys","val":{"master":"` + master + `","special":[{"token":"` + whole + `","rules":"*"},{"token":"` + lines + `","rules":"/api/a\n/api/b"},7,{"rules":"*"}]}}`,
	}})
	s, err := cockpit.ReadV1(t.Context(), accounts, kept)
	require.NoError(t, err)
	require.Equal(t, "author", s.Users()[0].Role)
	onEach(t, func(t *testing.T, open func(testing.TB) *node) {
		n := open(t)
		require.NoError(t, n.directory.Save(t.Context(), roles.Role{AppID: "author", Permissions: roles.Grants{"content/posts/create": true}}))
		report := n.bring(t, s)
		server := n.server(t)
		require.Equal(t, http.StatusOK, ask(server, account), "the first row has it")
		require.Equal(t, http.StatusOK, ask(server, master))
		for _, token := range []string{whole, lines} {
			require.Equal(t, http.StatusForbidden, ask(server, token), "it is known, and may do nothing until it is given a role")
		}
		records := n.records(t)
		require.Equal(t, "a1", records["a1"].UserID)
		require.Equal(t, time.Unix(1500000000, 0).UTC(), records["a1"].CreatedAt)
		require.Equal(t, roles.Admin, records["v1-master"].Role)
		require.Equal(t, keys.KindCustom, records["v1-special-2"].Kind)
		printed := report.String()
		for _, line := range []string{
			`refused key a2 "bob": an earlier key has the same text`,
			`refused key a3 "eve": a user's key begins with account-`,
			`new user a3 "eve": there is no role "gone": it comes without a role`,
			`new key v1-special-1 "Cockpit 1 special key 1": its rules are not carried over: it comes without a role, so give it one`,
			`refused key: row 3 is no JSON object`,
			`refused key v1-special-4 "Cockpit 1 special key 4": it has no text`,
		} {
			require.Contains(t, printed, line+"\n")
		}
		for _, e := range n.bring(t, s).Entries {
			require.Contains(t, []cockpit.Verdict{cockpit.VerdictUnchanged, cockpit.VerdictRefused}, e.Verdict)
		}
	})
}
