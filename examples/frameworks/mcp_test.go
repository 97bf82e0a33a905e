package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	mcpsdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/examples/frameworks/content"
	"github.com/latchkey-go/latchkey/examples/frameworks/mcp"
)

// post sends one message of MCP and returns the status of HTTP, or the code of the answer's error.
func post(t *testing.T, url, key, session, message string) (status int, answer string, header http.Header) {
	t.Helper()
	h := withKey(key)
	h.Set("Content-Type", "application/json")
	h.Set("Accept", "application/json, text/event-stream")
	if session != "" {
		h.Set("Mcp-Session-Id", session)
	}
	resp, body := send(t, "POST", url, message, h)
	for line := range strings.Lines(body) {
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			answer = data
		}
	}
	var parsed struct {
		Result struct{ IsError bool }
		Error  struct{ Code int }
	}
	_ = json.Unmarshal([]byte(answer), &parsed)
	require.False(t, parsed.Result.IsError, answer)
	if resp.StatusCode == http.StatusOK && parsed.Error.Code != 0 {
		return parsed.Error.Code, answer, resp.Header
	}
	return ok(resp.StatusCode), answer, resp.Header
}

// opened opens a session.
func opened(t *testing.T, url, key string) (session string, status int) {
	status, _, header := post(t, url, key, "", `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{
		"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}`)
	if status != 200 {
		return "", status
	}
	session = header.Get("Mcp-Session-Id")
	got, _, _ := post(t, url, key, session, `{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	require.Equal(t, 200, got)
	return session, 200
}

// use calls a tool in a session.
func use(t *testing.T, url, key, session, tool string, arguments any) (status int, answer string) {
	text, err := json.Marshal(arguments)
	require.NoError(t, err)
	status, answer, _ = post(t, url, key, session, fmt.Sprintf(`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":%q,"arguments":%s}}`, tool, text))
	return status, answer
}

func dialMCP(t *testing.T, s *site) {
	url := listen(t, s.handler)
	s.url = url
	call := func(key, tool string, arguments any) int {
		session, status := opened(t, url, key)
		if status == 200 {
			status, _ = use(t, url, key, session, tool, arguments)
		}
		return status
	}
	type none struct{}
	type model struct {
		Model string `json:"model"`
	}
	s.menus = func(key string) int { return call(key, "menus", none{}) }
	s.create = func(key, segment string) int { return call(key, "create", model{decoded(t, segment)}) }
	s.method = func(method, key string) int {
		resp, _ := send(t, method, url, "", withKey(key))
		return resp.StatusCode
	}
	router := s.router.(toolServer)
	s.misnamed = func(key string) int {
		mcp.AddTool(router.Tools, s.guard, router.Server, "misnamed", "content/{model}/create", func(none) map[string]string { return nil },
			func(context.Context, *mcpsdk.CallToolRequest, none) (*mcpsdk.CallToolResult, none, error) {
				return nil, none{}, nil
			})
		return call(key, "misnamed", none{})
	}
	s.forget = func() string {
		mcpsdk.AddTool(router.Server, &mcpsdk.Tool{Name: "forgotten"}, func(context.Context, *mcpsdk.CallToolRequest, none) (*mcpsdk.CallToolResult, none, error) {
			t.Error("the tool was called")
			return nil, none{}, nil
		})
		require.Equal(t, 500, call(s.editor, "forgotten", none{}), "and it is refused")
		return "forgotten"
	}
	s.sweep = func() (unguarded []string, guarded map[string]string) {
		session, _ := opened(t, url, s.editor)
		_, answer, _ := post(t, url, s.editor, session, `{"jsonrpc":"2.0","id":3,"method":"tools/list"}`)
		var list struct {
			Result struct{ Tools []struct{ Name string } }
		}
		require.NoError(t, json.Unmarshal([]byte(answer), &list), answer)
		for _, tool := range list.Result.Tools {
			if router.Tools[tool.Name] == "" {
				unguarded = append(unguarded, tool.Name)
			}
		}
		return unguarded, router.Tools
	}
}

// A session is no credential: another key, no key and a revoked key are refused in it, whatever the method of HTTP.
func TestMCPSessionBelongsToItsCaller(t *testing.T) {
	s := newSite(t, "mcp")
	session, status := opened(t, s.url, s.editor)
	require.Equal(t, 200, status)
	posts := map[string]string{"model": "posts"}
	status, _ = use(t, s.url, s.editor, session, "create", posts)
	require.Equal(t, 200, status)

	for key, want := range map[string]int{s.writer: 403, "": 403, s.wrong: 401} {
		status, _ = use(t, s.url, key, session, "create", posts)
		require.Equal(t, want, status)
		for _, method := range []string{"GET", "DELETE"} {
			h := withKey(key)
			h.Set("Mcp-Session-Id", session)
			h.Set("Accept", "text/event-stream")
			resp, _ := send(t, method, s.url, "", h)
			require.Equal(t, want, resp.StatusCode, method)
		}
	}
	anonymous, status := opened(t, s.url, "")
	require.Equal(t, 200, status)
	status, _ = use(t, s.url, s.editor, anonymous, "create", posts)
	require.Equal(t, 403, status, "a caller with a key does not act in the session of one without")

	// The standing stream of the session ends with the key.
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", s.url, nil)
	require.NoError(t, err)
	r.Header = withKey(s.editor)
	r.Header.Set("Mcp-Session-Id", session)
	r.Header.Set("Accept", "text/event-stream")
	stream, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer stream.Body.Close()
	require.Equal(t, 200, stream.StatusCode)
	require.NoError(t, s.ring.Invalidate(t.Context(), s.editorID))
	_, err = io.Copy(io.Discard, bufio.NewReader(stream.Body))
	require.NoError(t, err, "it ends in order")

	status, _ = use(t, s.url, s.editor, session, "create", posts)
	require.Equal(t, 401, status, "a revoked key")
	items := created(s)
	require.Equal(t, []content.Item{{Model: "posts", By: "editor"}}, items)
}

// The usual wiring is the trap: with a guard around the handler and nothing else, a tool acts for the caller who opened the
// session. If this test fails, the SDK has changed, and package mcp may be simpler.
func TestMCPWithAGuardAroundItIsNotEnough(t *testing.T) {
	s := newSite(t, "net/http")
	type none struct{}
	server := mcpsdk.NewServer(&mcpsdk.Implementation{Name: "naive", Version: "1"}, nil)
	mcpsdk.AddTool(server, &mcpsdk.Tool{Name: "create"}, func(ctx context.Context, _ *mcpsdk.CallToolRequest, _ none) (*mcpsdk.CallToolResult, content.Item, error) {
		if err := auth.Allowed(ctx, "content/secret/create"); err != nil {
			return nil, content.Item{}, err
		}
		return nil, s.store.Create(ctx, "secret"), nil
	})
	get := func(*http.Request) *mcpsdk.Server { return server }
	stateful := listen(t, s.guard.Handler(mcpsdk.NewStreamableHTTPHandler(get, nil)))
	session, _ := opened(t, stateful, s.editor)
	for _, key := range []string{s.editor, s.writer, ""} {
		status, answer := use(t, stateful, key, session, "create", none{})
		require.Equal(t, 200, status, answer)
	}
	secret := content.Item{Model: "secret", By: "editor"}
	require.Equal(t, []content.Item{secret, secret, secret}, created(s), "two of them were not the editor's")
}
