package cockpit_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/cockpit"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
)

const (
	edKey     = "USR-19e796d4aa76be38ccad4e062d85bb6ea61b4e79"
	editorKey = "API-7d6e61ba39d3670bf4888c726c1e628540a4baec"
)

// The two documents of the file that the fixture omits: a very short text, and a custom key with the prefix of a user
// key.
var onlyInFile = []string{"6b048abb686c8206c76079e2", "6b048abb686c8206c7d77219"}

func TestTheFileOfACockpitIsOnlyRead(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "system.sqlite")
	content, err := os.ReadFile("testdata/system.sqlite")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, content, 0o400))
	require.NoError(t, os.Chmod(folder, 0o500))
	t.Cleanup(func() { os.Chmod(folder, 0o700) })
	s, err := cockpit.ReadSQL(t.Context(), system(t, file))
	require.NoError(t, err)
	require.Equal(t, "cockpit: 5 roles, 12 users, 26 keys", s.String())
	after, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, content, after)
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, entries, 1, "nothing is left beside it")
}

// documents returns the documents of storage as JSON.
func documents(t *testing.T) *cockpit.Source {
	t.Helper()
	json, err := os.Open("../../../auth/cockpit/testdata/cockpit-fixture.json")
	require.NoError(t, err)
	defer json.Close()
	fixture, err := cockpit.ReadJSON(json)
	require.NoError(t, err)
	return fixture
}

func TestImportOfTheFileEqualsImportOfTheFixture(t *testing.T) {
	onEach(t, func(t *testing.T, open func(testing.TB) *node) {
		fixture := documents(t)
		n := open(t)
		fromFile := n.bring(t, storage(t))
		records := n.records(t)
		require.Len(t, records, 25)

		// a second import, into another space: the report of existing records, and the records, are the same
		other := *n
		other.ring = n.ring.In("other")
		other.into.Keys = other.ring
		fromFixture := other.bring(t, fixture)
		of := func(r *cockpit.Report) (entries []cockpit.Entry) {
			for _, e := range r.Entries {
				if e.What == cockpit.AboutKey && !slices.Contains(onlyInFile, e.ID) {
					entries = append(entries, e)
				}
			}
			return entries
		}
		require.Equal(t, of(fromFile), of(fromFixture))
		delete(records, onlyInFile[0])
		same := other.records(t)
		require.Len(t, same, 24)
		for id, r := range same {
			was := records[id]
			r.ID, r.Space, was.ID, was.Space = "", "", "", ""
			require.True(t, r.Digest.Equal(was.Digest), id)
			r.Digest, was.Digest = keys.Digest{}, keys.Digest{} // which require.Equal cannot compare
			require.Equal(t, was, r, id)
		}
		// the first import brought roles, users and the public API, so none of them differ
		for _, e := range fromFixture.Entries {
			if e.What != cockpit.AboutKey {
				require.Equal(t, cockpit.VerdictUnchanged, e.Verdict, "%v", e)
			}
		}
		require.True(t, slices.Contains(fromFile.Entries, cockpit.Entry{
			What: cockpit.AboutKey, ID: onlyInFile[1], Name: "k-usr", Verdict: cockpit.VerdictRefused,
			Reason: "it begins with USR- as a user's, so that Cockpit never knew it",
		}))
	})
}

// On a store of its own the whole report is the same, too.
func TestTheReportsAreTheSame(t *testing.T) {
	onEach(t, func(t *testing.T, open func(testing.TB) *node) {
		fixture := documents(t)
		n := open(t)
		fromFile, err := cockpit.Plan(t.Context(), storage(t), n.into)
		require.NoError(t, err)
		fromFixture, err := cockpit.Plan(t.Context(), fixture, n.into)
		require.NoError(t, err)
		fromFile.Entries = slices.DeleteFunc(fromFile.Entries, func(e cockpit.Entry) bool { return slices.Contains(onlyInFile, e.ID) })
		require.Equal(t, fromFile.Entries, fromFixture.Entries)
		require.Len(t, fromFixture.Entries, 42)
	})
}

func TestASecondImportWritesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, open func(testing.TB) *node) {
		n := open(t)
		first := n.bring(t, storage(t))
		require.Equal(t, 43, first.Count(cockpit.AboutRole, cockpit.VerdictNew)+first.Count(cockpit.AboutUser, cockpit.VerdictNew)+
			first.Count(cockpit.AboutKey, cockpit.VerdictNew)+first.Count(cockpit.AboutPublic, cockpit.VerdictNew))
		require.Equal(t, 86, n.writes)
		revision, err := n.Keys().Changes(t.Context(), keys.Revision{})
		require.NoError(t, err)
		n.into.Overwrite = true
		second := n.bring(t, storage(t))
		require.Equal(t, 25, second.Count(cockpit.AboutKey, cockpit.VerdictUnchanged))
		require.Zero(t, second.Count(cockpit.AboutKey, cockpit.VerdictNew)+second.Count(cockpit.AboutKey, cockpit.VerdictChanged))
		require.Equal(t, 86, n.writes)
		again, err := n.Keys().Changes(t.Context(), keys.Revision{})
		require.NoError(t, err)
		require.Equal(t, revision, again)
	})
}

// small is a Cockpit with a few records of each kind.
func small(t *testing.T) *cockpit.Source {
	t.Helper()
	s, err := cockpit.ReadJSON(strings.NewReader(`{
		"roles": [{"appid": "web", "permissions": {"content/posts/read": true}}, {"appid": "editor"}],
		"users": [{"_id": "ed", "user": "ed", "active": true, "role": "editor", "apiKey": "` + edKey + `"}],
		"api_keys": [{"_id": "k", "key": "` + editorKey + `"}, {"_id": "l", "key": "weak one"}, {"key": "public", "role": "web"}]}`))
	require.NoError(t, err)
	return s
}

// LATCHKEY_LONG=1 imports the file of a real Cockpit, with a failure at each of its 86 writes.
func TestAFaultAtAnyWriteLeavesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, open func(testing.TB) *node) {
		n := open(t)
		s, writes := small(t), 14
		if os.Getenv("LATCHKEY_LONG") != "" {
			s, writes = storage(t), 86
		}
		before, err := n.Keys().Changes(t.Context(), keys.Revision{})
		require.NoError(t, err)
		for failAt := 1; failAt <= writes; failAt++ {
			n.writes, n.failAt = 0, failAt
			report, err := cockpit.Import(t.Context(), s, n.into)
			require.ErrorIs(t, err, errBroken)
			require.Nil(t, report)
			require.Equal(t, failAt, n.writes)
			for _, table := range []string{"latchkey_keys", "latchkey_roles", "latchkey_audit", "people"} {
				require.Zero(t, n.count(t, table), "%s after a fault at write %d", table, failAt)
			}
			setting, err := n.PublicAPI().Load(t.Context())
			require.NoError(t, err)
			require.Zero(t, setting)
		}
		after, err := n.Keys().Changes(t.Context(), keys.Revision{})
		require.NoError(t, err)
		require.Equal(t, before, after)
		_, err = n.ring.Verify(t.Context(), edKey)
		require.ErrorIs(t, err, keys.ErrInvalid)
		n.writes, n.failAt = 0, 0
		n.bring(t, s)
		require.Equal(t, writes, n.writes, "each write has failed once")
		_, err = n.ring.Verify(t.Context(), edKey)
		require.NoError(t, err)
	})
}

func TestNoFileHoldsAKey(t *testing.T) {
	folder := t.TempDir()
	n := openSQLite(t, folder)
	n.bring(t, storage(t))
	source := system(t, "testdata/system.sqlite")
	rows, err := source.QueryContext(t.Context(), `SELECT json_extract(document, '$.key') FROM api_keys
		UNION ALL SELECT json_extract(document, '$.apiKey') FROM users WHERE json_extract(document, '$.apiKey') IS NOT NULL`)
	require.NoError(t, err)
	defer rows.Close()
	var texts []string
	for rows.Next() {
		var text string
		require.NoError(t, rows.Scan(&text))
		if text != "public" {
			texts = append(texts, text)
		}
	}
	require.NoError(t, rows.Err())
	require.Len(t, texts, 26)
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	size := 0
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(folder, e.Name()))
		require.NoError(t, err)
		size += len(content)
		for i, text := range texts {
			require.NotContains(t, string(content), text, "key %d in %s", i, e.Name())
		}
		if e.Name() == "keys.db-wal" {
			require.Contains(t, string(content), "k-editor", "this is where the import is")
		}
	}
	require.Greater(t, size, 100_000)
}

// Clients keep working, on the importing node and on another one.
func TestClientsGoOnOnEveryNode(t *testing.T) {
	onEach(t, func(t *testing.T, open func(testing.TB) *node) {
		here, there := open(t), open(t)
		guards := map[string]http.Handler{"here": here.server(t), "there": there.server(t)}
		for name, server := range guards {
			require.Equal(t, http.StatusUnauthorized, ask(server, editorKey), name)
		}
		here.bring(t, storage(t))
		require.NoError(t, here.directory.Reload(t.Context()))
		require.Equal(t, http.StatusOK, ask(guards["here"], editorKey))
		require.Equal(t, http.StatusOK, ask(guards["here"], edKey))
		require.Eventually(t, func() bool {
			return ask(guards["there"], editorKey) == http.StatusOK && ask(guards["there"], edKey) == http.StatusOK
		}, 20*time.Second, 100*time.Millisecond)
	})
}

func (n *node) server(tb testing.TB) http.Handler {
	tb.Helper()
	public, err := publicapi.New(publicapi.Config{Store: n.PublicAPI(), Directory: n.directory, Staleness: publicapi.AlwaysAsk})
	require.NoError(tb, err)
	tb.Cleanup(func() { public.Close(tb.Context()) })
	guard, err := auth.New(auth.Config{Keys: n.ring, Roles: n.directory, Anonymous: public, Users: people{n}})
	require.NoError(tb, err)
	return guard.Require("content/posts/create", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
}

func ask(server http.Handler, key string) int {
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.Header.Set("api-key", key)
	answer := httptest.NewRecorder()
	server.ServeHTTP(answer, r)
	return answer.Code
}

// If nodes import at the same time, one stores each document, and the others find it.
func TestNodesThatImportAtTheSameTime(t *testing.T) {
	onEach(t, func(t *testing.T, open func(testing.TB) *node) {
		var all sync.WaitGroup
		reports := make([]*cockpit.Report, 3)
		errs := make([]error, len(reports))
		for i := range reports {
			n, s := open(t), storage(t)
			all.Go(func() { reports[i], errs[i] = cockpit.Import(t.Context(), s, n.into) })
		}
		all.Wait()
		added := 0
		for i, r := range reports {
			require.NoError(t, errs[i])
			added += r.Count(cockpit.AboutKey, cockpit.VerdictNew)
			require.Equal(t, 25, r.Count(cockpit.AboutKey, cockpit.VerdictNew)+r.Count(cockpit.AboutKey, cockpit.VerdictUnchanged))
		}
		require.Equal(t, 25, added)
	})
}

func TestAfterARefreshOrAnEndTheOldTextStaysDead(t *testing.T) {
	onEach(t, func(t *testing.T, open func(testing.TB) *node) {
		n := open(t)
		n.bring(t, storage(t))
		records := n.records(t)
		ed, editor := records["6b048aba686c828f7b8a73e9"], records["6b048abb686c828f7b4cc2c5"]
		issued, err := n.ring.Refresh(t.Context(), ed.ID, keys.Renewal{})
		require.NoError(t, err)
		require.NoError(t, n.ring.Invalidate(t.Context(), editor.ID))
		for _, removed := range []bool{false, true} {
			if removed {
				require.NoError(t, n.ring.Remove(t.Context(), editor.ID))
			}
			n.bring(t, storage(t))
			for _, text := range []string{edKey, editorKey} {
				_, err = n.ring.Verify(t.Context(), text)
				require.ErrorIs(t, err, keys.ErrInvalid)
			}
			_, err = n.ring.Verify(t.Context(), issued.Key.Reveal())
			require.NoError(t, err)
		}
	})
}
