package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// An output collects what a process prints.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// find waits for a line and returns what the expression captures.
func (o *output) find(t *testing.T, expression string) string {
	t.Helper()
	var found []string
	require.Eventually(t, func() bool {
		o.mu.Lock()
		defer o.mu.Unlock()
		found = regexp.MustCompile(expression).FindStringSubmatch(o.text.String())
		return found != nil
	}, time.Minute, 10*time.Millisecond)
	return found[len(found)-1]
}

// start runs the program on a file until stop is called. It returns its output and its address.
func start(t *testing.T, program, file string, env ...string) (out *output, base string, stop func()) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := listener.Addr().String()
	require.NoError(t, listener.Close())
	out = &output{}
	cmd := exec.Command(program, "-addr", addr, "-db", file)
	cmd.Stdout, cmd.Stderr, cmd.Env = out, out, append(os.Environ(), env...)
	require.NoError(t, cmd.Start())
	stop = sync.OnceFunc(func() {
		require.NoError(t, cmd.Process.Signal(os.Interrupt))
		require.NoError(t, cmd.Wait(), "it ends in order")
	})
	t.Cleanup(stop)
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
		}
		return err == nil
	}, time.Minute, 10*time.Millisecond)
	return out, "http://" + addr, stop
}

// ask returns the status and the body of a request with a key, or without one.
func ask(t *testing.T, client *http.Client, method, address, key, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(method, address, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	if key != "" {
		r.Header.Set("api-key", key)
	}
	response, err := client.Do(r)
	require.NoError(t, err)
	defer response.Body.Close()
	var text bytes.Buffer
	_, err = text.ReadFrom(response.Body)
	require.NoError(t, err)
	return response.StatusCode, text.String()
}

func browser(t *testing.T) *http.Client {
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &http.Client{Jar: jar}
}

// signIn returns the path of the page that follows.
func signIn(t *testing.T, client *http.Client, base, name, password string) string {
	t.Helper()
	response, err := client.PostForm(base+"/login", url.Values{"name": {name}, "password": {password}})
	require.NoError(t, err)
	defer response.Body.Close()
	return response.Request.URL.Path
}

func build(t *testing.T) string {
	program := filepath.Join(t.TempDir(), "durable")
	out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	return program
}

// The first key manages. A customer reads its own notes with several keys, and they all end together. All of it survives
// a restart, and the first start is not repeated.
func TestTheFirstHour(t *testing.T) {
	program, file := build(t), filepath.Join(t.TempDir(), "durable.db")
	out, base, stop := start(t, program, file)
	first := out.find(t, `first key: (API-[0-9a-f]{40})`)
	password := out.find(t, `sign in at /login as ada or bob with (\S+)`)

	status, _ := ask(t, http.DefaultClient, "GET", base+"/notes", "", "")
	require.Equal(t, 401, status)
	var texts []string
	bob := browser(t)
	require.Equal(t, "/login", signIn(t, bob, base, "bob", "wrong"))
	require.Equal(t, "/system/users/user", signIn(t, bob, base, "bob", password), "the console")
	for range 2 {
		status, body := ask(t, bob, "POST", base+"/admin/me/key", "", `{}`)
		require.Equal(t, 201, status, body)
		key := regexp.MustCompile(`USR-[0-9a-f]{40}`).FindString(body)
		require.NotEmpty(t, key)
		texts = append(texts, key)
		status, body = ask(t, http.DefaultClient, "GET", base+"/notes", key, "")
		require.Equal(t, 200, status)
		require.Equal(t, "the notes of \"bob\"\n", body)
		status, _ = ask(t, http.DefaultClient, "DELETE", base+"/customers/bob", key, "")
		require.Equal(t, 403, status)
	}
	stop()

	out, base, _ = start(t, program, file)
	ada := browser(t)
	require.Equal(t, "/system/users/user", signIn(t, ada, base, "ada", password))
	status, body := ask(t, ada, "GET", base+"/system/api", "", "")
	require.Equal(t, 200, status)
	require.Contains(t, body, "Operator")

	status, _ = ask(t, http.DefaultClient, "DELETE", base+"/customers/bob", first, "")
	require.Equal(t, 200, status)
	for _, key := range texts {
		status, _ = ask(t, http.DefaultClient, "GET", base+"/notes", key, "")
		require.Equal(t, 401, status)
	}
	out.mu.Lock()
	defer out.mu.Unlock()
	require.NotContains(t, out.text.String(), "first key")
	require.NotContains(t, out.text.String(), "sign in at")
}

// An operator makes the first key before there is a database, with the command of package setup's documentation.
func TestTheFirstKeyIsMadeBefore(t *testing.T) {
	text, err := os.ReadFile("../../auth/setup/doc.go")
	require.NoError(t, err)
	var command []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(strings.TrimPrefix(line, "//")); strings.HasPrefix(line, "key=") {
			command = append(command, line)
		}
	}
	require.Len(t, command, 2)
	made, err := exec.Command("sh", "-c", strings.Join(command, "\n")+"\nprintf %s \"$key\"").Output()
	require.NoError(t, err)
	_, base, _ := start(t, build(t), filepath.Join(t.TempDir(), "durable.db"), "LATCHKEY_ADMIN_KEY="+string(made))
	status, body := ask(t, http.DefaultClient, "GET", base+"/admin/keys", string(made), "")
	require.Equal(t, 200, status, body)
}

// What took 78 lines of wiring takes at most 15, and the program 120.
func TestItIsShort(t *testing.T) {
	text, err := os.ReadFile("main.go")
	require.NoError(t, err)
	require.LessOrEqual(t, bytes.Count(text, []byte("\n")), 120)
	from, to := bytes.Index(text, []byte("\tlk, err := setup.Open")), bytes.Index(text, []byte("\tlk.Guard.HandleOpen"))
	require.Positive(t, from)
	wiring := bytes.Count(text[from:to], []byte("\n"))
	require.LessOrEqual(t, wiring, 15)
	fmt.Println("lines of wiring:", wiring)
}
