package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/examples/gqlgen/graph/model"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// An entry is one operation of testdata/hostile.jsonl and its expected outcome. The META line of that file explains
// the fields.
type entry struct {
	ID      string   `json:"id"`
	Layer   string   `json:"layer"`
	Name    string   `json:"name"`
	Request string   `json:"request"`
	Headers []string `json:"headers"`
	Body    string   `json:"body"`
	Op      *struct {
		Init map[string]string `json:"connection_init"`
		Then string            `json:"then"`
	} `json:"op"`
	Expect   string `json:"expect"`
	Decision bool   `json:"decision"`
	Why      string `json:"why"`
}

// theFixtures are the keys of the entries, and the roles of these keys.
var theFixtures = map[string]string{"USR": "editor", "ADMIN": "admin"}

// readCorpus returns the entries and the roles of the META line. An unknown field fails the test.
func readCorpus(t *testing.T) (entries []entry, rs []roles.Role) {
	t.Helper()
	file, err := os.ReadFile("testdata/hostile.jsonl")
	require.NoError(t, err)
	lines := bufio.NewScanner(bytes.NewReader(file))
	lines.Buffer(nil, 1<<20)
	require.True(t, lines.Scan())
	var meta struct {
		ID    string
		Roles map[string]roles.Role
	}
	require.NoError(t, json.Unmarshal(lines.Bytes(), &meta))
	require.Equal(t, "META", meta.ID)
	for appid, role := range meta.Roles {
		role.AppID = appid
		rs = append(rs, role)
	}
	for lines.Scan() {
		var e entry
		d := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		d.DisallowUnknownFields()
		require.NoError(t, d.Decode(&e), lines.Text())
		require.Equal(t, "gql", e.Layer, e.ID)
		entries = append(entries, e)
	}
	require.NoError(t, lines.Err())
	require.Len(t, entries, 26)
	return entries, rs
}

func TestHostileCorpus(t *testing.T) {
	entries, rs := readCorpus(t)
	for _, e := range entries {
		t.Run(e.ID+"/"+e.Name, func(t *testing.T) {
			w := newWorld(t, rs, publicapi.Fixed("viewer"))
			if e.Op != nil {
				w.onASocket(t, &e)
				return
			}
			began := time.Now()
			a := w.raw(t, &e)
			require.Less(t, time.Since(began), 3*time.Second, "refused in linear time")
			require.Equal(t, e.Expect, a.outcome(), "%s: %.500s", e.Why, a.raw)
			require.NotContains(t, a.raw, w.blog.Secret().Title)
			for fixture := range theFixtures {
				require.NotContains(t, a.raw, w.fixture(fixture))
			}
			if more := moreOf[e.ID]; more != nil {
				more(t, a)
			}
		})
	}
}

// moreOf holds expectations that the entries give only as prose.
var moreOf = map[string]func(*testing.T, *answer){
	"GQL-02": func(t *testing.T, a *answer) { nothingRan(t, a); first(t, a, "UNAUTHENTICATED") },
	"GQL-03": func(t *testing.T, a *answer) { nothingRan(t, a); first(t, a, "FORBIDDEN") },
	"GQL-04": func(t *testing.T, a *answer) {
		require.Len(t, a.Data["posts"], 2)
		require.Contains(t, a.Data, "secret")
		require.Nil(t, a.Data["secret"])
		require.Equal(t, map[string]string{"Query.secret": "FORBIDDEN"}, a.codes())
		require.EqualValues(t, 1, a.resolved)
	},
	"GQL-05": func(t *testing.T, a *answer) {
		nothingRan(t, a)
		require.Equal(t, http.StatusUnauthorized, a.status)
		require.Equal(t, "application/problem+json", a.header.Get("Content-Type"), "judged before GraphQL runs")
	},
	"GQL-07": nothingRan,
	"GQL-09": func(t *testing.T, a *answer) {
		require.Len(t, a.Data["posts"], 2)
		require.NotContains(t, a.Data, "secret")
	},
	"GQL-10": nothingRan,
	"GQL-11": nothingRan, // see also TestARuleOnTheQueryType
	"GQL-12": nothingRan,
	"GQL-23": nothingRan,
	"GQL-26": func(t *testing.T, a *answer) { require.NotContains(t, strings.ToLower(a.raw), "did you mean") },
	"GQL-28": nothingRan,
	"GQL-30": func(t *testing.T, a *answer) { require.Contains(t, a.raw, "PersistedQueryNotFound") },
	"GQL-32": func(t *testing.T, a *answer) { require.Nil(t, a.Data["secret"]) },
}

func nothingRan(t *testing.T, a *answer) { t.Helper(); require.Zero(t, a.resolved, "a resolver ran") }

func first(t *testing.T, a *answer, code string) {
	t.Helper()
	require.NotEmpty(t, a.Errors, a.raw)
	require.Equal(t, code, a.Errors[0].Extensions["code"])
}

// outcome says how an operation ended, in the words of the corpus.
func (a *answer) outcome() string {
	coded := func(code string) bool {
		for _, e := range a.Errors {
			if e.Extensions["code"] == code {
				return true
			}
		}
		return false
	}
	switch {
	case a.Data["secret"] != nil:
		return "secret told"
	case a.status == http.StatusUnauthorized, coded("UNAUTHENTICATED"):
		return "401"
	case a.status == http.StatusForbidden, coded("FORBIDDEN"):
		return "403"
	case a.resolved == 0 && (a.status >= 400 && a.status < 500 || len(a.Errors) > 0 && a.Data == nil):
		return "400"
	case a.status == http.StatusOK && len(a.Errors) == 0 && a.Data != nil:
		return "anonymous"
	}
	return fmt.Sprintf("status %d, %d resolvers ran", a.status, a.resolved)
}

func (w *world) fixture(name string) string { return w.keys[theFixtures[name]] }

// raw sends an entry byte for byte, over a connection of its own.
func (w *world) raw(t *testing.T, e *entry) *answer {
	t.Helper()
	fixtures := map[string]string{}
	for name := range theFixtures {
		fixtures[name] = w.fixture(name)
	}
	written := func(text string) string {
		made, err := expand(text, fixtures)
		require.NoError(t, err)
		return made
	}
	body := written(e.Body)
	lines := append([]string{e.Request, "Host: h", "Connection: close", "Content-Length: " + strconv.Itoa(len(body))}, e.Headers...)
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	request := written(strings.Join(lines, "\r\n")) + "\r\n\r\n" + body
	go func() { _, _ = io.WriteString(conn, request) }() // a server may answer before it has read the request
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	a := &answer{status: resp.StatusCode, header: resp.Header, raw: string(got), resolved: w.resolved.Load()}
	if slices.Contains([]string{"application/json", "application/graphql-response+json"}, resp.Header.Get("Content-Type")) {
		require.NoError(t, json.Unmarshal(got, a), a.raw)
	}
	return a
}

// onASocket opens a socket with the entry's connection_init.
func (w *world) onASocket(t *testing.T, e *entry) {
	init := map[string]string{}
	for name, text := range e.Op.Init {
		made, err := expand(text, map[string]string{"USR": w.fixture("USR")})
		require.NoError(t, err)
		init[name] = made
	}
	s := w.dial(t, "graphql-transport-ws")
	s.send("connection_init", "", init)
	switch {
	case e.Expect == "accept":
		require.Equal(t, "connection_ack", s.next().Type, e.Why)
	case e.Op.Then == "":
		require.EqualValues(t, 4403, s.closed(), e.Why)
	case e.Op.Then == "revoke":
		require.Equal(t, "connection_ack", s.next().Type)
		s.subscribe(`subscription { postAdded { title } }`)
		w.listening(t, 1)
		w.blog.Add(model.NewPost{Title: "before"})
		require.JSONEq(t, `{"data":{"postAdded":{"title":"before"}}}`, s.nextData())
		require.NoError(t, w.ring.Invalidate(t.Context(), w.ids["editor"]))
		require.EqualValues(t, 4403, s.closed(), e.Why)
		w.listening(t, 0)
	default:
		t.Fatalf("no such step: %q", e.Op.Then)
	}
}
