package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/examples/internal/pgserver"
)

// asProgram makes the test binary act as the program, to test it in a process of its own.
const asProgram = "LATCHKEY_TEST_AS_CMS"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(pgserver.Main(m))
}

const fixture = "testdata/cockpit-fixture.json"

// onEach runs a test on a new database of each engine, in parallel with other tests.
func onEach(t *testing.T, test func(t *testing.T, c config)) {
	t.Parallel()
	oneByOne(t, func(t *testing.T, c config) {
		t.Parallel()
		test(t, c)
	})
}

// staleness is the program's default. With a shorter one, a busy machine sometimes polls too late and answers 503.
const staleness = 5 * time.Second

// oneByOne is onEach for tests that depend on timing.
func oneByOne(t *testing.T, test func(t *testing.T, c config)) {
	t.Run("SQLite", func(t *testing.T) {
		test(t, config{addr: "127.0.0.1:0", db: filepath.Join(t.TempDir(), "a cms?#%41.db"), staleness: staleness})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		pepper := filepath.Join(t.TempDir(), "pepper")
		test(t, config{addr: "127.0.0.1:0", db: pgserver.Shared(t).NewDatabase(t), pepper: pepper, staleness: staleness})
	})
}

// A running program, and its output.
type running struct {
	url      string
	printed  []string
	problems *buffer
	stop     func() // and wait for its end, which must be without error
}

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// patience is the time for a store on a busy machine.
const patience = 30 * time.Second

func start(t *testing.T, c config) *running {
	t.Helper()
	c.patience = patience
	if c.staleness == 0 {
		c.staleness = staleness
	}
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	done := make(chan error, 1)
	r := &running{problems: &buffer{}}
	go func() {
		err := run(ctx, c, in, r.problems)
		in.Close()
		done <- err
	}()
	r.stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			assert.NoError(t, err)
		case <-time.After(20 * time.Second):
			t.Error("the program did not end")
		}
	})
	t.Cleanup(r.stop)
	for lines := bufio.NewScanner(out); lines.Scan() && lines.Text() != "Try it:"; {
		r.printed = append(r.printed, lines.Text())
	}
	go io.Copy(io.Discard, out)
	require.NotEmpty(t, r.printed, "it printed nothing: %s", r.problems)
	url, ok := strings.CutPrefix(r.printed[0], "listening on ")
	require.True(t, ok, "first line: %q", r.printed[0])
	r.url = url
	return r
}

// ask sends a request, with the key unless that is "", and returns the status and the decoded body.
func (r *running) ask(t *testing.T, method, path, key string, body ...string) (int, any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, r.url+path, strings.NewReader(strings.Join(body, "")))
	require.NoError(t, err)
	if key != "" {
		request.Header.Set("api-key", key)
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	var decoded any
	if json.Unmarshal(text, &decoded) != nil {
		decoded = string(text)
	}
	return response.StatusCode, decoded
}

func (r *running) status(t *testing.T, method, path, key string, body ...string) int {
	t.Helper()
	status, _ := r.ask(t, method, path, key, body...)
	return status
}

// titles requests a list and returns a field of each item.
func (r *running) titles(t *testing.T, path, key, field string) (titles []any) {
	t.Helper()
	status, body := r.ask(t, "GET", path, key)
	require.Equal(t, 200, status, "%s: %v", path, body)
	for _, item := range body.([]any) {
		titles = append(titles, item.(map[string]any)[field])
	}
	return titles
}

// node opens another node on the database of c, for operations that have no address.
func anotherNode(t *testing.T, c config) *node {
	t.Helper()
	c.patience = patience
	if c.staleness == 0 {
		c.staleness = staleness
	}
	n, err := open(t.Context(), c, logTo(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, n.close(context.Background())) })
	return n
}
