// Package pgserver runs a private PostgreSQL server for tests.
//
// It uses the installed binaries (on Debian: package postgresql), found in PATH or under /usr/lib/postgresql. The
// server's files are in a temporary folder and written as on a real server (fsync is on). It listens only on a Unix
// socket in that folder, and ends with the test, or with the whole process, even if that is killed. PostgreSQL
// refuses to run as root, so for root it runs as the user postgres.
//
// Without PostgreSQL a test is skipped; if the environment variable CI is set, it fails.
package pgserver

import (
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A Server is a running or stopped PostgreSQL server. Its methods may be called concurrently, except those that stop
// and start it.
type Server struct {
	dir  string // holds data, socket and log
	bin  string
	cred *syscall.Credential // nil: our own user

	proc *exec.Cmd
	life io.WriteCloser // the server ends when this is closed

	mu    sync.Mutex
	named int // databases made so far
}

// Start starts a server that ends with the test.
func Start(tb testing.TB) *Server {
	tb.Helper()
	bin := binaries(tb)
	s, err := create(bin)
	if err != nil {
		tb.Fatalf("pgserver: %v", err)
	}
	tb.Cleanup(s.destroy)
	return s
}

var (
	shared      *Server
	sharedErr   error
	sharedStart sync.Once
)

// Shared returns one server for all tests of a binary, started at the first call. TestMain must call [Main], which
// stops it. Tests must not stop it.
func Shared(tb testing.TB) *Server {
	tb.Helper()
	bin := binaries(tb)
	sharedStart.Do(func() { shared, sharedErr = create(bin) })
	if sharedErr != nil {
		tb.Fatalf("pgserver: %v", sharedErr)
	}
	return shared
}

// Main runs the tests, stops the shared server if there is one, and returns the exit code.
func Main(m *testing.M) int {
	defer func() {
		if shared != nil {
			shared.destroy()
		}
	}()
	return m.Run()
}

// DSN returns the URL of this database, for pgx, psql and others. It does not change with a Restart.
func (s *Server) DSN(database string) string {
	return "postgres://postgres@/" + url.PathEscape(database) + "?host=" + url.QueryEscape(s.dir)
}

// NewDatabase makes a new, empty database and returns its DSN.
func (s *Server) NewDatabase(tb testing.TB) string {
	tb.Helper()
	s.mu.Lock()
	s.named++
	name := "test" + strconv.Itoa(s.named)
	s.mu.Unlock()
	if err := s.run("psql", "-h", s.dir, "-U", "postgres", "-q", "-c", "CREATE DATABASE "+name, "postgres"); err != nil {
		tb.Fatalf("pgserver: %v", err)
	}
	return s.DSN(name)
}

// StopImmediate stops the server as a crash does: nothing more is written, and the next start must recover.
func (s *Server) StopImmediate(tb testing.TB) {
	tb.Helper()
	if err := s.stop("immediate"); err != nil {
		tb.Fatalf("pgserver: %v", err)
	}
}

// Restart starts the server again after StopImmediate, over the same files.
func (s *Server) Restart(tb testing.TB) {
	tb.Helper()
	if err := s.start(); err != nil {
		tb.Fatalf("pgserver: %v", err)
	}
}

// binaries returns the folder with PostgreSQL's binaries, or ends the test.
func binaries(tb testing.TB) string {
	tb.Helper()
	if pg, err := exec.LookPath("initdb"); err == nil {
		if pg, err = filepath.EvalSymlinks(pg); err == nil {
			return filepath.Dir(pg)
		}
	}
	newest, version := "", -1
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	for _, f := range found {
		bin := filepath.Dir(f)
		if v, err := strconv.Atoi(filepath.Base(filepath.Dir(bin))); err == nil && v > version {
			newest, version = bin, v
		}
	}
	if newest == "" {
		const absent = "SKIPPED, NOT TESTED: there is no PostgreSQL here. To get it: apt-get install postgresql"
		if os.Getenv("CI") != "" {
			tb.Fatal(absent)
		}
		tb.Skip(absent)
	}
	return newest
}

// create creates a server's files and starts it.
func create(bin string) (_ *Server, err error) {
	s := &Server{bin: bin}
	if s.dir, err = os.MkdirTemp("", "pg"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(s.dir)
		}
	}()
	if os.Geteuid() == 0 {
		if s.cred, err = unprivileged(); err != nil {
			return nil, err
		}
		if err := os.Chown(s.dir, int(s.cred.Uid), int(s.cred.Gid)); err != nil {
			return nil, err
		}
	}
	if err := s.run("initdb", "-D", s.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"); err != nil {
		return nil, err
	}
	return s, s.start()
}

// unprivileged returns the credential of the user that PostgreSQL's package creates.
func unprivileged() (*syscall.Credential, error) {
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// command prepares a program, of PostgreSQL or another, to run as the server's user.
func (s *Server) command(program string, args ...string) *exec.Cmd {
	c := exec.Command(program, args...)
	c.Dir = s.dir
	c.SysProcAttr = &syscall.SysProcAttr{Credential: s.cred, Setpgid: true}
	return c
}

// run runs one of PostgreSQL's programs to its end.
func (s *Server) run(program string, args ...string) error {
	out, err := s.command(filepath.Join(s.bin, program), args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", program, err, out)
	}
	return nil
}

// leash runs a server in the background and waits. When its input ends, which also happens if this process is killed,
// it stops the server and deletes the files unless they are to be kept.
const leash = `dir=$1; shift; "$@" & read -r word; kill -QUIT $! 2>/dev/null; wait; [ "$word" = keep ] || rm -rf "$dir"`

// start starts the server and waits until it answers.
func (s *Server) start() error {
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	began, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	s.proc = s.command("/bin/sh", "-c", leash, "sh", s.dir, filepath.Join(s.bin, "postgres"), "-D", s.data(),
		"-k", s.dir, "-c", "listen_addresses=", "-c", "max_connections=200")
	s.proc.Stdout, s.proc.Stderr = log, log
	if s.life, err = s.proc.StdinPipe(); err != nil {
		return err
	}
	if err := s.proc.Start(); err != nil {
		return err
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if s.run("pg_isready", "-q", "-h", s.dir, "-U", "postgres") == nil {
			return nil
		}
		if time.Now().After(end) {
			said := make([]byte, 4096)
			n, _ := log.ReadAt(said, began)
			s.release("keep")
			return fmt.Errorf("the server does not start:\n%s", strings.TrimSpace(string(said[:n])))
		}
	}
}

// stop stops the server in one of pg_ctl's modes and keeps its files.
func (s *Server) stop(mode string) error {
	err := s.run("pg_ctl", "stop", "-D", s.data(), "-m", mode, "-w", "-t", "30")
	s.release("keep")
	return err
}

// release closes the leash and waits until everything has ended.
func (s *Server) release(word string) {
	fmt.Fprintln(s.life, word)
	s.life.Close()
	s.proc.Wait()
}

// destroy stops the server, if it runs, and deletes its files.
func (s *Server) destroy() {
	if s.proc.ProcessState == nil {
		s.release("drop")
	}
	os.RemoveAll(s.dir)
}
