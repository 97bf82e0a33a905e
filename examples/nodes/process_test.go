package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/latchkey-go/latchkey/examples/internal/pgserver"
)

// program is the node under test, built once.
var program string

func TestMain(m *testing.M) { goleak.VerifyTestMain(built{m}) }

type built struct{ m *testing.M }

func (b built) Run() int {
	dir, err := os.MkdirTemp("", "nodes")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "node")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the node: %v\n%s", err, out)
		return 1
	}
	return pgserver.Main(b.m)
}

// A process is a node in its own process.
type process struct {
	t      *testing.T
	url    string
	in     io.Writer
	out    chan string
	client http.Client

	unavailable int // number of 503 answers
}

// start runs a node until the test ends.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{t: t, out: make(chan string, 1), client: http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{},
	}}
	cmd := exec.Command(program, args...)
	var log bytes.Buffer
	cmd.Stderr = &log
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.in = in
	go func() {
		defer close(p.out)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			p.out <- lines.Text()
		}
	}()
	t.Cleanup(func() {
		p.client.CloseIdleConnections()
		in.Close() // the node ends with its input
		kill := time.AfterFunc(10*time.Second, func() { cmd.Process.Kill() })
		defer kill.Stop()
		for range p.out {
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("a node's end: %v", err)
		}
		if t.Failed() {
			t.Logf("a node's log:\n%s", log.Bytes())
		}
	})
	url, ok := strings.CutPrefix(p.line(), "listening on ")
	if !ok {
		t.Fatal("a node did not say where it listens")
	}
	p.url = url
	return p
}

// line returns the next line that the node prints.
func (p *process) line() string {
	p.t.Helper()
	select {
	case line, ok := <-p.out:
		if !ok {
			p.t.Fatal("a node died")
		}
		return line
	case <-time.After(15 * time.Second):
		p.t.Fatal("a node says nothing")
	}
	panic("unreachable")
}

// do runs a command on the node and returns the words of its answer.
func (p *process) do(command string) []string {
	p.t.Helper()
	if _, err := fmt.Fprintln(p.in, command); err != nil {
		p.t.Fatalf("%s: %v", command, err)
	}
	answer := strings.Fields(p.line())
	if answer[0] != "ok" {
		p.t.Fatalf("%s: %s", command, strings.Join(answer, " "))
	}
	return answer[1:]
}

// An answer is a node's answer to one request.
type answer struct {
	status      int
	reads       string // Database-Reads
	begun, done time.Time
}

// get asks the node for its posts, with a key unless it is "", until the answer is not 503: a node on a busy machine
// may fail to poll within B and must then answer 503.
func (p *process) get(key string) answer {
	p.t.Helper()
	for begun := time.Now(); ; time.Sleep(2 * time.Millisecond) {
		got := p.once(key)
		if got.status != http.StatusServiceUnavailable {
			return got
		}
		p.unavailable++
		if time.Since(begun) > 10*time.Second {
			p.t.Fatal("a node says 503 for ten seconds")
		}
	}
}

// once asks the node for its posts once, with a key unless it is "".
func (p *process) once(key string) answer {
	p.t.Helper()
	r, err := http.NewRequest("GET", p.url+"/posts", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	if key != "" {
		r.Header.Set("api-key", key)
	}
	begun := time.Now()
	resp, err := p.client.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	return answer{resp.StatusCode, resp.Header.Get("Database-Reads"), begun, time.Now()}
}
