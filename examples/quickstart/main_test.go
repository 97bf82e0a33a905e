package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// started runs the program on a free port and reads what it prints.
func started(t *testing.T) (url, custom, personal, customID, personalID string) {
	ctx, stop := context.WithCancel(t.Context())
	out, in := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- run(ctx, "127.0.0.1:0", in) }()
	t.Cleanup(func() {
		stop()
		select {
		case err := <-done:
			require.NoError(t, err)
		case <-time.After(10 * time.Second):
			t.Error("the server did not stop")
		}
	})
	var printed strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		printed.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), "THE-NEW-KEY") {
			break
		}
	}
	find := func(pattern string) string {
		found := regexp.MustCompile(pattern).FindStringSubmatch(printed.String())
		require.NotNil(t, found, "%s in:\n%s", pattern, printed.String())
		return found[1]
	}
	return find(`(?m)^listening on (http://\S+)$`), find(`(?m)^custom key (API-[0-9a-f]{40}) `), find(`(?m)^user key (USR-[0-9a-f]{40}) `),
		find(`/keys/([0-9a-f-]{36})/refresh`), find(`DELETE \S+/keys/([0-9a-f-]{36})`)
}

func ask(t *testing.T, method, url string, header ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(`{"title":"Hello"}`))
	require.NoError(t, err)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(body)
}

// A request under way at shutdown is answered.
func TestItDrains(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	out, in := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- run(ctx, "127.0.0.1:0", in) }()
	var address, key string
	for lines := bufio.NewScanner(out); lines.Scan() && !strings.Contains(lines.Text(), "THE-NEW-KEY"); {
		if url, ok := strings.CutPrefix(lines.Text(), "listening on http://"); ok {
			address = url
		}
		if rest, ok := strings.CutPrefix(lines.Text(), "custom key "); ok {
			key, _, _ = strings.Cut(rest, " ")
		}
	}
	conn, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "POST /api/content/posts HTTP/1.1\r\nHost: h\r\napi-key: "+key+"\r\nContent-Length: 13\r\nExpect: 100-continue\r\n\r\n")
	require.NoError(t, err)
	answer := bufio.NewReader(conn)
	line, err := answer.ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, line, "100 Continue", "the handler is reading the body")
	stop()
	time.Sleep(50 * time.Millisecond)
	_, err = io.WriteString(conn, `{"title":"x"}`)
	require.NoError(t, err)
	_, err = answer.ReadString('\n') // the blank line after 100 Continue
	require.NoError(t, err)
	line, err = answer.ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, line, "201 Created")
	require.NoError(t, <-done)
}

func TestWhatAStrangerSees(t *testing.T) {
	url, custom, personal, customID, personalID := started(t)
	wrong := custom[:len(custom)-1] + string('0'+(custom[len(custom)-1]+1)%8)

	for _, c := range []struct {
		name, method, path string
		header             []string
		want               int
	}{
		{"public page without a key", "GET", "/api/pages/menus", nil, 200},
		{"public page with a key", "GET", "/api/pages/menus", []string{"api-key", personal}, 200},
		{"a wrong key is refused although the page is public", "GET", "/api/pages/menus", []string{"api-key", wrong}, 401},
		{"junk is refused although the page is public", "GET", "/api/pages/menus", []string{"Authorization", "Bearer junk"}, 401},
		{"an empty key is refused although the page is public", "GET", "/api/pages/menus", []string{"api-key", ""}, 401},
		{"creating without a key", "POST", "/api/content/posts", nil, 401},
		{"creating with the custom key", "POST", "/api/content/posts", []string{"api-key", custom}, 201},
		{"creating with the custom key as Bearer", "POST", "/api/content/posts", []string{"Authorization", "Bearer " + custom}, 201},
		{"a key that may only read", "POST", "/api/content/posts", []string{"api-key", personal}, 403},
		{"managing without a key", "DELETE", "/keys/" + customID, nil, 401},
		{"managing without the permission", "DELETE", "/keys/" + customID, []string{"api-key", personal}, 403},
		{"a key that is not there", "DELETE", "/keys/nothing", []string{"api-key", custom}, 404},
		{"two keys", "GET", "/api/pages/menus", []string{"api-key", custom, "Authorization", "Bearer " + custom}, 400},
		{"a bad key is refused on an open route", "GET", "/healthz", []string{"api-key", "junk"}, 401},
		{"an open route", "GET", "/healthz", nil, 200},
	} {
		status, body := ask(t, c.method, url+c.path, c.header...)
		require.Equal(t, c.want, status, "%s: %s", c.name, body)
	}

	status, body := ask(t, "POST", url+"/keys/"+customID+"/refresh", "api-key", custom)
	require.Equal(t, 200, status, body)
	var fresh struct{ Key string }
	require.NoError(t, json.Unmarshal([]byte(body), &fresh))
	status, _ = ask(t, "POST", url+"/api/content/posts", "api-key", custom)
	require.Equal(t, 401, status, "the old value is refused by the very next request")
	status, _ = ask(t, "POST", url+"/api/content/posts", "api-key", fresh.Key)
	require.Equal(t, 201, status)

	status, _ = ask(t, "DELETE", url+"/keys/"+personalID, "api-key", fresh.Key)
	require.Equal(t, 204, status)
	status, _ = ask(t, "GET", url+"/api/pages/menus", "api-key", personal)
	require.Equal(t, 401, status, "an invalidated key is refused by the very next request, on a public page too")
}
