// Package operations does what the guide to operations tells an operator to do, with the guide's own statements and commands.
package operations

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/auth/setup"
	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/examples/internal/pgserver"
	"github.com/latchkey-go/latchkey/keys"
)

const firstKey = "API-31af51f6156406100684470eda9c62fdba62f13c"

// must(f())(t) returns the value of f, and fails the test if there is an error.
func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		require.NoError(t, err)
		return value
	}
}

// guide returns what an expression captures below a heading of the guide.
func guide(t *testing.T, heading, expression string) (all []string) {
	_, section, _ := strings.Cut(string(must(os.ReadFile("../../../.github/guides/operations.md"))(t)), "\n## "+heading+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, found := range regexp.MustCompile(expression).FindAllStringSubmatch(section, -1) {
		all = append(all, found[1])
	}
	return all
}

func block(t *testing.T, heading, language string) string {
	return guide(t, heading, "(?s)```"+language+"\n(.*?)```")[0]
}

// shell runs commands of the guide.
func shell(t *testing.T, dir, commands string, env ...string) string {
	bin, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	cmd := exec.CommandContext(t.Context(), "bash", "-ec", commands)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), append(env, "PATH="+os.Getenv("PATH")+":"+strings.Join(bin, ":"))...)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s: %s", commands, out)
	return string(out)
}

type engine struct {
	dialect     sqlstore.Dialect
	driver, dsn string
}

func sqlite(t *testing.T, journal string) engine {
	const dsn = "file:%s?_pragma=busy_timeout(5000)&_pragma=journal_mode(%s)&_pragma=synchronous(FULL)"
	return engine{sqlstore.SQLite, "sqlite", fmt.Sprintf(dsn, filepath.Join(t.TempDir(), "keys.db"), journal)}
}

func onEach(t *testing.T, test func(*testing.T, engine)) {
	t.Run("SQLite", func(t *testing.T) { test(t, sqlite(t, "WAL")) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, engine{sqlstore.PostgreSQL, "pgx", pgserver.Shared(t).NewDatabase(t)}) })
}

func TestMain(m *testing.M) { os.Exit(pgserver.Main(m)) }

// statements returns the guide's SQL for this engine.
func (e engine) statements(t *testing.T, heading string) (all []string) {
	for line := range strings.Lines(block(t, heading, "sql")) {
		if text, only, _ := strings.Cut(strings.TrimSpace(line), "; -- "); only == "" || only == e.dialect.String() {
			all = append(all, strings.TrimSuffix(text, ";"))
		}
	}
	return all
}

// A node is one running program.
type node struct {
	*setup.Installation
	db  *sql.DB
	url string
	log *bytes.Buffer // to be read after Close
}

func (e engine) node(t *testing.T) (n node, err error) {
	n.db, n.log = must(sql.Open(e.driver, e.dsn))(t), &bytes.Buffer{}
	t.Cleanup(func() { n.db.Close() })
	n.Installation, err = setup.Open(t.Context(), setup.Config{
		DB: n.db, Dialect: e.dialect, Staleness: 2 * time.Second, Logger: slog.New(slog.NewTextHandler(n.log, nil)),
		Start: setup.Start{Administrator: "Operator", Key: keys.NewKey(firstKey)},
	})
	if err != nil {
		return n, err
	}
	t.Cleanup(func() { n.Close(context.Background()) })
	mux := http.NewServeMux()
	n.Guard.Handle(mux, "GET /pages", "pages/read", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	n.Guard.HandleOpen(mux, "GET /healthz", n.Healthz())
	n.MountAPI(mux, "/admin")
	server := httptest.NewServer(n.Guard.Identify(mux))
	t.Cleanup(server.Close)
	n.url = server.URL
	return n, nil
}

// get returns the status of an answer. A 503 of the guard says when to try again.
func (n node) get(t *testing.T, path, key string) int {
	r := must(http.NewRequest("GET", n.url+path, nil))(t)
	r.Header["Api-Key"] = []string{key}[:min(len(key), 1)] // none, if key is ""
	response := must(http.DefaultClient.Do(r))(t)
	response.Body.Close()
	require.True(t, path == "/healthz" || response.StatusCode != 503 || response.Header.Get("Retry-After") == "1")
	return response.StatusCode
}

// verdict is get, once the answer is a verdict: a slow machine may miss the staleness.
func (n node) verdict(t *testing.T, path, key string) (status int) {
	t.Helper()
	require.Eventually(t, func() bool { status = n.get(t, path, key); return status != 503 }, 10*time.Second, 20*time.Millisecond)
	return status
}

// soon waits for a status: five times the staleness, for slow machines.
func (n node) soon(t *testing.T, want int, path, key string) {
	t.Helper()
	require.Eventually(t, func() bool { return n.get(t, path, key) == want }, 10*time.Second, 20*time.Millisecond)
}

func TestAKeyLeaked(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		here, there, dir := must(e.node(t))(t), must(e.node(t))(t), t.TempDir()
		issued := must(here.Keys.IssueCustom(t.Context(), keys.Custom{Name: "Build", Role: "admin"}))(t)
		id, leaked := issued.Record.ID, issued.Key.Reveal()
		stranger := must(here.Guard.Check(&http.Request{Header: http.Header{"Api-Key": {leaked}}, URL: &url.URL{}}))(t)
		copied := must(here.Admin.CreateKey(t.Context(), stranger, keys.Custom{Name: "Copy", Role: "admin"}))(t)
		require.Equal(t, []int{200, 200}, []int{there.verdict(t, "/pages", leaked), there.verdict(t, "/pages", copied.Key.Reveal())})
		texts := e.statements(t, "A key leaked")
		fill := strings.NewReplacer("DIGEST", fmt.Sprintf("%x", sha256.Sum256([]byte(leaked))), "KEY-ID", id)
		var found, made, rest string
		require.NoError(t, here.db.QueryRow(fill.Replace(texts[0])).Scan(&found, &rest, &rest, &rest))
		require.NoError(t, here.db.QueryRow(fill.Replace(texts[2])).Scan(&made, &rest, &rest, &rest))
		require.Equal(t, []string{id, copied.Record.ID}, []string{found, made})
		require.NoError(t, os.WriteFile(filepath.Join(dir, "admin"), []byte("api-key: "+firstKey+"\n"), 0o600))
		env := []string{"URL=" + here.url, "ID=" + id, "LAST_FOUR=" + leaked[len(leaked)-4:]}
		commands := strings.SplitAfter(block(t, "A key leaked", "bash"), "\n")
		said := shell(t, dir, strings.Join(commands[:3], ""), env...)
		require.Contains(t, said, id)
		require.Equal(t, 401, here.verdict(t, "/pages", leaked), said)
		there.soon(t, 401, "/pages", leaked)
		refreshed := regexp.MustCompile(`API-[0-9a-f]{40}`).FindString(said)
		require.Equal(t, 200, there.verdict(t, "/pages", refreshed))
		require.Regexp(t, `(?s)key\.invalidate.*key\.refresh.*`+copied.Record.ID, shell(t, dir, strings.Join(commands[3:], ""), env...))
		must(here.db.Exec(strings.ReplaceAll(texts[1], "KEY-ID", copied.Record.ID)))(t)
		for _, n := range []node{here, there} {
			n.soon(t, 401, "/pages", refreshed)
			n.soon(t, 401, "/pages", copied.Key.Reveal())
		}
	})
}

// outage is a database that is away, and comes back.
func outage(t *testing.T, e engine, stop, start func()) {
	n := must(e.node(t))(t)
	require.Equal(t, 200, n.verdict(t, "/pages", firstKey))
	stop()
	n.soon(t, 503, "/healthz", "")
	n.soon(t, 503, "/pages", firstKey)
	_, err := e.node(t)
	require.Error(t, err)
	start()
	n.soon(t, 200, "/healthz", "")
	n.soon(t, 200, "/pages", firstKey)
	require.NoError(t, n.Close(t.Context()))
	require.Equal(t, []int{503, 503}, []int{n.get(t, "/healthz", ""), n.get(t, "/pages", firstKey)})
	require.Contains(t, n.log.String(), "ring is closed")
	for _, found := range regexp.MustCompile(`reason=(\w+) status=503`).FindAllStringSubmatch(n.log.String(), -1) {
		require.Contains(t, guide(t, "Every caller gets 503", "(?m)^\\| `(\\w+)` "), found[1])
	}
}

func TestEveryCallerGets503(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) {
		e := sqlite(t, "DELETE") // readers wait for a writer who has the file
		holder := must(must(sql.Open(e.driver, e.dsn))(t).Conn(t.Context()))(t)
		defer holder.Close()
		run := func(text string) func() { return func() { must(holder.ExecContext(t.Context(), text))(t) } }
		outage(t, e, run("BEGIN EXCLUSIVE"), run("ROLLBACK"))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		s := pgserver.Start(t)
		outage(t, engine{sqlstore.PostgreSQL, "pgx", s.NewDatabase(t)}, func() { s.StopImmediate(t) }, func() { s.Restart(t) })
	})
}

func TestTheFirstKeyIsLost(t *testing.T) {
	e := sqlite(t, "WAL")
	n, file := must(e.node(t))(t), filepath.Join(t.TempDir(), "main.go")
	text := strings.NewReplacer("NEWKEY", block(t, "The first key is lost", "go"), "SHUTDOWN", block(t, "Shutdown", "go"))
	require.NoError(t, os.WriteFile(file, []byte(text.Replace(string(must(os.ReadFile("testdata/program.txt"))(t)))), 0o600))
	key := strings.TrimSpace(shell(t, ".", `go run "$FILE" "$DSN"`, "FILE="+file, "DSN="+e.dsn))
	var id, name, hint string
	require.NoError(t, n.db.QueryRow(e.statements(t, "The first key is lost")[0]+" ORDER BY id").Scan(&id, &name, &hint))
	shell(t, ".", `curl -sSf -H "api-key: $KEY" -X POST "$URL/admin/keys/$ID/invalidate"`, "KEY="+key, "URL="+n.url, "ID="+id)
	require.Equal(t, []int{401, 200}, []int{n.verdict(t, "/pages", firstKey), n.verdict(t, "/pages", key)})
	require.Len(t, must(n.Admin.Config().Audit.List(t.Context(), audit.Filter{Actor: "role:admin", Action: "key.create"}))(t), 1)
}

// A backup, pruning, and the schema of a later version: a node that runs goes on, and a program does not start.
func TestTheDatabase(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		n, dir, restored := must(e.node(t))(t), t.TempDir(), e
		for _, days := range []int{399, 401} {
			r := must(audit.Stamp(audit.Record{At: time.Now().AddDate(0, 0, -days), Action: fmt.Sprint(days)}))(t)
			require.NoError(t, n.Admin.Config().Audit.Append(t.Context(), r))
		}
		for _, text := range append(e.statements(t, "The audit log"), e.statements(t, "The database is slow")...) {
			must(n.db.Exec(text))(t)
		}
		commands := guide(t, "Backup", "(?s)`((?:VACUUM|pg_dump|pg_restore) .*?)`")
		if e.dialect == sqlstore.SQLite {
			must(n.db.Exec(strings.Replace(commands[0], "backup.db", dir+"/backup.db", 1)))(t)
			restored.dsn = "file:" + dir + "/backup.db" + e.dsn[strings.Index(e.dsn, "?"):]
		} else {
			restored.dsn = pgserver.Shared(t).NewDatabase(t)
			shell(t, dir, commands[1]+"\n"+commands[2], "DATABASE="+e.dsn, "EMPTY_DATABASE="+restored.dsn)
		}
		log := must(restored.node(t))(t).Admin.Config().Audit
		require.Len(t, must(log.List(t.Context(), audit.Filter{}))(t), 2, "the first key, and the record of 399 days")
		must(n.db.Exec("ALTER TABLE latchkey_keys ADD COLUMN later text; INSERT INTO latchkey_schema VALUES (1000)"))(t)
		issued := must(n.Keys.IssueCustom(t.Context(), keys.Custom{Role: "admin"}))(t)
		require.Equal(t, 200, n.verdict(t, "/pages", issued.Key.Reveal()))
		require.NoError(t, n.Keys.Invalidate(t.Context(), issued.Record.ID))
		require.Equal(t, 401, n.verdict(t, "/pages", issued.Key.Reveal()))
		_, err := e.node(t)
		require.ErrorContains(t, err, "the program is too old")
	})
	shell(t, "../../../auth/sqlstore/migrations", "! grep -riE '(drop +(table|column)|rename) ' .")
}
