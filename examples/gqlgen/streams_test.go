package main

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/examples/gqlgen/graph/model"
)

// acked is the type of the first message on an accepted socket.
const acked = "connection_ack"

func TestSocketsOfBothProtocols(t *testing.T) {
	for _, protocol := range []string{"graphql-transport-ws", "graphql-ws"} {
		t.Run(protocol, func(t *testing.T) {
			w := standard(t)
			open := func(payload any) *socket {
				s := w.dial(t, protocol)
				s.send("connection_init", "", payload)
				return s
			}
			for name, payload := range map[string]map[string]string{
				"api-key": {"api-key": w.keys["posts"]}, "Bearer": {"Authorization": "Bearer " + w.keys["posts"]},
				"in any case": {"API-Key": w.keys["posts"]}, "nothing, which is the public role": {},
			} {
				s := open(payload)
				require.Equal(t, acked, s.next().Type, name)
				s.subscribe(`subscription { postAdded { title } }`)
				w.listening(t, 1)
				w.blog.Add(model.NewPost{Title: name})
				require.JSONEq(t, `{"data":{"postAdded":{"title":"`+name+`"}}}`, s.nextData())
				require.NoError(t, s.conn.CloseNow())
				w.listening(t, 0)
			}
			for name, payload := range map[string]map[string]string{
				"junk":       {"api-key": "junk"},
				"empty":      {"api-key": ""},
				"bad Bearer": {"authorization": "Bearer " + w.keys["posts"] + "0"},
			} {
				require.EqualValues(t, 4403, open(payload).closed(), name)
			}
			two := map[string]string{"api-key": w.keys["posts"], "Authorization": "Bearer " + w.keys["posts"]}
			require.EqualValues(t, 4400, open(two).closed(), "ambiguous, as 400 is over HTTP")
		})
	}
}

func TestASocketRefusesWhatIsNotGranted(t *testing.T) {
	w := standard(t)
	for role, query := range map[string]string{
		"":        `subscription { clock }`,
		"nothing": `subscription { postAdded { title } }`,
		"posts":   `subscription { postAdded { title notes } }`,
		"reader":  `mutation { createPost(input: {title: "x"}) { id } }`,
	} {
		s := w.dial(t, "graphql-transport-ws")
		payload := map[string]string{}
		if role != "" {
			payload["api-key"] = w.keys[role]
		}
		s.send("connection_init", "", payload)
		require.Equal(t, acked, s.next().Type, role)
		before := w.resolved.Load()
		s.subscribe(query)
		m := s.next()
		require.NotContains(t, string(m.Payload), `"data":{`, "%s: %s", query, m.Payload)
		require.Contains(t, string(m.Payload), map[bool]string{true: who, false: no}[role == ""])
		require.Equal(t, before, w.resolved.Load(), "a resolver ran")
	}
}

// soon is a second, plus the delay of a busy machine.
const soon = 3 * time.Second

func TestASocketEndsWithItsKey(t *testing.T) {
	w := standard(t)
	s := w.dial(t, "graphql-transport-ws")
	s.send("connection_init", "", map[string]string{"api-key": w.keys["reader"]})
	require.Equal(t, acked, s.next().Type)
	s.subscribe(`subscription { postAdded { title } }`)
	w.listening(t, 1)
	began := time.Now()
	require.NoError(t, w.ring.Invalidate(t.Context(), w.ids["reader"]))
	require.EqualValues(t, 4403, s.closed())
	require.Less(t, time.Since(began), soon)
	w.listening(t, 0)
}

func TestServerSentEvents(t *testing.T) {
	w := standard(t)
	stream := func(role, query string) (*http.Response, *bufio.Scanner) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		t.Cleanup(cancel)
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url+"/graphql", strings.NewReader(`{"query":"`+query+`"}`))
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "text/event-stream")
		if role != "" {
			r.Header.Set("api-key", w.keys[role])
		}
		resp, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		t.Cleanup(func() { _ = resp.Body.Close() })
		return resp, bufio.NewScanner(resp.Body)
	}
	until := func(lines *bufio.Scanner, text string) string {
		var seen strings.Builder
		for lines.Scan() {
			seen.WriteString(lines.Text() + "\n")
			if strings.Contains(lines.Text(), text) {
				return seen.String()
			}
		}
		return seen.String() + "(end)"
	}

	for role, status := range map[string]int{"": http.StatusUnauthorized, "junk": http.StatusUnauthorized} {
		w.keys["junk"] = "junk"
		resp, _ := stream(role, "subscription { clock }")
		require.Equal(t, status, resp.StatusCode, role)
	}
	resp, _ := stream("nothing", "subscription { postAdded { title } }")
	require.Equal(t, http.StatusForbidden, resp.StatusCode)

	resp, lines := stream("reader", "subscription { postAdded { title } }")
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.Contains(t, resp.Header.Get("Content-Type"), "text/event-stream")
	w.listening(t, 1)
	w.blog.Add(model.NewPost{Title: "told"})
	require.Contains(t, until(lines, "told"), `{"data":{"postAdded":{"title":"told"}}}`)
	began := time.Now()
	require.NoError(t, w.ring.Invalidate(t.Context(), w.ids["reader"]))
	rest := until(lines, "nothing has this text")
	require.Contains(t, rest, "event: complete")
	require.Less(t, time.Since(began), soon)
	w.listening(t, 0)
	w.blog.Add(model.NewPost{Title: "not told"})
	require.NotContains(t, rest, "not told")
}
