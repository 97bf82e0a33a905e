package pgserver

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Pooler starts a PgBouncer in front of the server that gives each transaction another connection, and returns what makes
// the DSN of a database through it. It ends with the test.
func (s *Server) Pooler(tb testing.TB) func(database string) string {
	tb.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		const absent = "SKIPPED, NOT TESTED: there is no PgBouncer here. To get it: apt-get install pgbouncer"
		if os.Getenv("CI") != "" {
			tb.Fatal(absent)
		}
		tb.Skip(absent)
	}
	dir, err := os.MkdirTemp(s.dir, "pool")
	if err == nil && s.cred != nil {
		err = os.Chown(dir, int(s.cred.Uid), int(s.cred.Gid))
	}
	config := filepath.Join(dir, "pgbouncer.ini")
	if err == nil {
		err = os.WriteFile(config, []byte(fmt.Sprintf(`[databases]
* = host=%[1]s user=postgres
[pgbouncer]
listen_addr =
listen_port = 6432
unix_socket_dir = %[2]s
auth_type = any
pool_mode = transaction
default_pool_size = 20
max_client_conn = 500
ignore_startup_parameters = extra_float_digits
`, s.dir, dir)), 0o644)
	}
	pooler := s.command(program, "-q", config)
	if err == nil {
		err = pooler.Start()
	}
	if err != nil {
		tb.Fatalf("pgserver: %v", err)
	}
	tb.Cleanup(func() {
		pooler.Process.Signal(syscall.SIGTERM)
		pooler.Wait()
	})
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if s.run("pg_isready", "-q", "-h", dir, "-p", "6432") == nil {
			break
		}
		if time.Now().After(end) {
			tb.Fatal("pgserver: PgBouncer does not start")
		}
	}
	return func(database string) string {
		return "postgres://postgres@/" + url.PathEscape(database) + "?port=6432&host=" + url.QueryEscape(dir)
	}
}
