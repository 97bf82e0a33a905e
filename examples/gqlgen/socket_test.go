package main

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"github.com/stretchr/testify/require"
)

// A socket is a minimal client of the websocket protocols.
type socket struct {
	t    *testing.T
	conn *websocket.Conn
	ctx  context.Context
}

type message struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// dial opens a socket and sends nothing. Everything on it must happen within ten seconds.
func (w *world) dial(t *testing.T, protocol string) *socket {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	conn, _, err := websocket.Dial(ctx, w.url+"/graphql", &websocket.DialOptions{Subprotocols: []string{protocol}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.CloseNow(); cancel() })
	return &socket{t, conn, ctx}
}

func (s *socket) send(kind, id string, payload any) {
	s.t.Helper()
	raw, err := json.Marshal(payload)
	require.NoError(s.t, err)
	require.NoError(s.t, wsjson.Write(s.ctx, s.conn, message{id, kind, raw}))
}

// subscribe sends an operation with the ID "1".
func (s *socket) subscribe(query string) {
	s.t.Helper()
	kind := "subscribe"
	if s.conn.Subprotocol() == "graphql-ws" {
		kind = "start"
	}
	s.send(kind, "1", map[string]string{"query": query})
}

// next returns the next message that is not a ping.
func (s *socket) next() message {
	s.t.Helper()
	for {
		var m message
		require.NoError(s.t, wsjson.Read(s.ctx, s.conn, &m))
		if m.Type != "ping" && m.Type != "ka" && m.Type != "pong" {
			return m
		}
	}
}

// nextData returns the next result.
func (s *socket) nextData() string {
	s.t.Helper()
	m := s.next()
	require.Contains(s.t, []string{"next", "data"}, m.Type, string(m.Payload))
	return string(m.Payload)
}

// closed reads until the server closes, fails on a result, and returns the close code.
func (s *socket) closed() websocket.StatusCode {
	s.t.Helper()
	for {
		var m message
		if err := wsjson.Read(s.ctx, s.conn, &m); err != nil {
			return websocket.CloseStatus(err)
		}
		require.NotContains(s.t, []string{"next", "data", "connection_ack"}, m.Type, string(m.Payload))
	}
}

// listening waits until n subscriptions listen to the blog.
func (w *world) listening(t *testing.T, n int) {
	t.Helper()
	require.Eventually(t, func() bool { return w.blog.Listeners() == n }, 5*time.Second, 5*time.Millisecond)
}
