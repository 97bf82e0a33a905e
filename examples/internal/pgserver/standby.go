package pgserver

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Standby starts a streaming standby of the server. It ends with the test, and can be promoted.
func (s *Server) Standby(tb testing.TB) *Server {
	tb.Helper()
	n := &Server{bin: s.bin, cred: s.cred}
	var err error
	if n.dir, err = os.MkdirTemp("", "pg"); err != nil {
		tb.Fatalf("pgserver: %v", err)
	}
	tb.Cleanup(func() {
		if n.proc != nil {
			n.destroy()
		}
		os.RemoveAll(n.dir)
	})
	if n.cred != nil {
		if err := os.Chown(n.dir, int(n.cred.Uid), int(n.cred.Gid)); err != nil {
			tb.Fatalf("pgserver: %v", err)
		}
	}
	if err := n.run("pg_basebackup", "-h", s.dir, "-U", "postgres", "-D", n.data(), "-R", "-X", "stream", "-c", "fast", "--no-sync"); err != nil {
		tb.Fatalf("pgserver: %v", err)
	}
	if err := n.start(); err != nil {
		tb.Fatalf("pgserver: %v", err)
	}
	return n
}

// Promote makes a standby a primary and waits until it accepts writes.
func (s *Server) Promote(tb testing.TB) {
	tb.Helper()
	if err := s.run("pg_ctl", "promote", "-D", s.data(), "-w", "-t", "60"); err != nil {
		tb.Fatalf("pgserver: %v", err)
	}
}

// Kill ends the server's processes by SIGKILL. It needs Linux's /proc.
func (s *Server) Kill(tb testing.TB) {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
	if err != nil {
		tb.Fatalf("pgserver: %v", err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	children, err := os.ReadFile(filepath.Join("/proc", first, "task", first, "children"))
	if err != nil {
		tb.Fatalf("pgserver: %v", err)
	}
	for i, number := range append([]string{first}, strings.Fields(string(children))...) {
		pid, err := strconv.Atoi(number)
		if err == nil {
			err = syscall.Kill(pid, syscall.SIGKILL)
		}
		if err != nil && i == 0 { // a child may have ended by itself
			tb.Fatalf("pgserver: %v", err)
		}
	}
}

// Socket is the path of the server's Unix socket.
func (s *Server) Socket() string { return filepath.Join(s.dir, ".s.PGSQL.5432") }
