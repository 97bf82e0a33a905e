package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// started runs the program on a free port, and returns its address and the lines that it prints.
func started(t *testing.T) (url string, printed []string, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- run(ctx, "127.0.0.1:0", in) }()
	for lines := bufio.NewScanner(out); lines.Scan(); {
		printed = append(printed, lines.Text())
		if strings.Contains(lines.Text(), "-X DELETE") {
			break
		}
	}
	url, found := strings.CutPrefix(printed[0], "listening on ")
	require.True(t, found, printed)
	return url, printed, func() error {
		cancel()
		select {
		case err := <-done:
			return err
		case <-time.After(10 * time.Second):
			t.Error("the server did not stop")
			return nil
		}
	}
}

// The printed lines work as described, and an open stream does not stop the program from ending.
func TestWhatAStrangerTries(t *testing.T) {
	_, printed, stop := started(t)
	text := strings.Join(printed, "\n")
	require.Regexp(t, `(?m)^custom key API-[0-9a-f]{40} \(role editor; may write; shown once\)$`, text)
	require.Regexp(t, `(?m)^user key USR-[0-9a-f]{40} \(ada, role reader; may read; shown once\)$`, text)
	curl := func(line string) string {
		out, err := exec.CommandContext(t.Context(), "sh", "-c", line).CombinedOutput()
		require.NoError(t, err, "%s\n%s", line, out)
		return string(out)
	}
	lines := regexp.MustCompile(`(?m)^  (curl .*)$`).FindAllStringSubmatch(text, -1)
	require.Len(t, lines, 7)
	for i, want := range []string{
		`HTTP/1.1 200 OK.*Keys and locks`,
		`HTTP/1.1 401 Unauthorized.*UNAUTHENTICATED`,
		`HTTP/1.1 200 OK.*Keys and locks.*Where the secret key hangs`,
		`HTTP/1.1 403 Forbidden.*content/posts/create`,
		`HTTP/1.1 200 OK.*"createPost":{"id":"post-4"}`,
	} {
		require.Regexp(t, "(?s)"+want, curl(lines[i][1]))
	}

	stream := exec.CommandContext(t.Context(), "sh", "-c", "exec "+lines[5][1])
	out, err := stream.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, stream.Start())
	heard := bufio.NewScanner(out)
	for heard.Scan() && !strings.Contains(heard.Text(), `{"data":{"clock":`) {
	}
	require.Contains(t, heard.Text(), `{"data":{"clock":`)
	require.Contains(t, curl(lines[6][1]), "204 No Content")
	for heard.Scan() { // until the server ends the stream
	}
	require.NoError(t, stream.Wait())
	require.NoError(t, stop())
}

func TestAStreamDoesNotKeepItFromStopping(t *testing.T) {
	url, printed, stop := started(t)
	key := regexp.MustCompile(`USR-[0-9a-f]{40}`).FindString(strings.Join(printed, "\n"))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/graphql", strings.NewReader(`{"query":"subscription { clock }"}`))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("api-key", key)
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
	began := time.Now()
	require.NoError(t, stop())
	require.Less(t, time.Since(began), 4*time.Second)
}

// The page loads nothing from other sites and runs only its own code.
func TestThePage(t *testing.T) {
	w := standard(t)
	for path, kind := range map[string]string{"/": "text/html", "/app.css": "text/css", "/app.js": "text/javascript", "/icon.svg": "image/svg+xml"} {
		resp, err := http.Get(w.url + path)
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, http.StatusOK, resp.StatusCode)
		require.Contains(t, resp.Header.Get("Content-Type"), kind)
		policy := resp.Header.Get("Content-Security-Policy")
		require.Contains(t, policy, "default-src 'none'")
		require.NotContains(t, policy, "unsafe")
		text := strings.ReplaceAll(string(body), "http://www.w3.org/2000/svg", "")
		for _, never := range []string{"http:", "https:", "style=", "onclick", "innerHTML", "<style"} {
			require.NotContains(t, text, never, path)
		}
	}
	resp, err := http.Get(w.url + "/nothing")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusNotFound, resp.StatusCode)
}
