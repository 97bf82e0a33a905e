package main

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/examples/frameworks/content"
	"github.com/latchkey-go/latchkey/keys"
)

// A site is a server under test, and its clients.
type site struct {
	server
	name   string
	store  *content.Store
	ring   *keys.Ring
	broken *atomic.Bool // the store of keys
	events func() []auth.Event

	editor, writer, wrong string // keys
	editorID              string // of the editor's record

	// Each returns a status of HTTP, also for calls that have codes of their own. key is "" for none.
	menus  func(key string) int
	create func(key, model string) int
	method func(method, key string) int // a request to the address of menus
	// misnamed calls a guarded route that has no value for the {name} of its permission.
	misnamed func(key string) int
	// sweep returns the addresses that no guard protects, and those that need a permission.
	sweep func() (unguarded []string, guarded map[string]string)
	// forget adds an address without a guard, and returns its name.
	forget func() string
	caller caller // of a service
	url    string // of an MCP server
}

// A probe returns what it has seen, for the table in README.
type probe struct {
	name string
	run  func(t *testing.T, s *site) string
}

// code is a result for the table.
func code(t *testing.T, want, got int, about ...any) string {
	t.Helper()
	require.Equal(t, want, got, about...)
	return strconv.Itoa(got)
}

func created(s *site) []content.Item {
	items, _ := s.store.Items(0)
	return items
}

var probes = []probe{
	{"public read", func(t *testing.T, s *site) string {
		return code(t, 200, s.menus(""))
	}},
	{"valid key", func(t *testing.T, s *site) string {
		require.Equal(t, 200, s.menus(s.editor))
		defer func() {
			require.Equal(t, []content.Item{{Model: "posts", By: "editor"}}, created(s), "the handler knows the caller")
		}()
		return code(t, 200, s.create(s.editor, "posts"))
	}},
	{"wrong key", func(t *testing.T, s *site) string {
		for _, key := range []string{s.wrong, "API-bad", "x"} {
			require.Equal(t, 401, s.create(key, "posts"), key)
			require.Equal(t, 401, s.menus(key), "never the public role")
		}
		require.Empty(t, created(s))
		return "401"
	}},
	{"no key", func(t *testing.T, s *site) string {
		defer func() { require.Empty(t, created(s)) }()
		return code(t, 401, s.create("", "posts"))
	}},
	{"missing permission", func(t *testing.T, s *site) string {
		require.Equal(t, 200, s.create(s.writer, "posts"))
		defer func() { require.Len(t, created(s), 1) }()
		return code(t, 403, s.create(s.writer, "secret"))
	}},
	{"encoded slash", func(t *testing.T, s *site) string {
		for _, model := range []string{"posts%2Fcreate", "posts%2f..%2fsecret", "posts%252Fcreate"} {
			require.Equal(t, 403, s.create(s.editor, model), model)
		}
		require.Empty(t, created(s))
		return "403"
	}},
	{"odd bytes", func(t *testing.T, s *site) string {
		for _, model := range []string{"p%C3%B6sts", "posts%00", "%20posts", "posts%0A", "%2A", "%7Bmodel%7D", "posts%5C"} {
			require.Equal(t, 403, s.create(s.editor, model), model)
		}
		require.Empty(t, created(s))
		return "403"
	}},
	{"HEAD", func(t *testing.T, s *site) string {
		require.Equal(t, answers[s.name].identified(401, answers[s.name].head), s.method("HEAD", s.wrong), "a wrong key")
		return code(t, answers[s.name].head, s.method("HEAD", ""))
	}},
	{"OPTIONS", func(t *testing.T, s *site) string {
		require.Equal(t, answers[s.name].identified(401, answers[s.name].options), s.method("OPTIONS", s.wrong), "a wrong key")
		return code(t, answers[s.name].options, s.method("OPTIONS", ""))
	}},
	{"unguarded route", func(t *testing.T, s *site) string {
		unguarded, guarded := s.sweep()
		require.Empty(t, unguarded)
		require.Equal(t, answers[s.name].guarded, guarded)
		name := s.forget()
		unguarded, _ = s.sweep()
		require.Equal(t, []string{name}, unguarded)
		return "found"
	}},
	{"event's route", func(t *testing.T, s *site) string {
		require.Equal(t, 200, s.create(s.editor, "posts"))
		require.Equal(t, 403, s.create(s.writer, "secret"))
		var decided []auth.Event
		for _, e := range s.events() {
			if e.Permission != "" {
				decided = append(decided, e)
			}
		}
		require.Len(t, decided, 2, "one a request")
		for _, e := range decided {
			require.Equal(t, "content/{model}/create", e.Permission)
			require.NotEmpty(t, e.KeyID)
			require.Equal(t, answers[s.name].route, e.Route)
			require.True(t, e.Peer.IsLoopback(), e.Peer)
		}
		require.Equal(t, []any{0, 403, auth.ReasonNotGranted}, []any{decided[0].Status, decided[1].Status, decided[1].Reason})
		return "`" + decided[0].Route + "`"
	}},
	{"store error", func(t *testing.T, s *site) string {
		s.broken.Store(true)
		require.Equal(t, 503, s.menus(s.editor), "never the public role")
		seen := code(t, 503, s.create(s.editor, "posts"))
		for _, e := range s.events() {
			require.Equal(t, auth.ReasonStoreFailed, e.Reason)
			require.ErrorIs(t, e.Err, errBroken)
		}
		require.Empty(t, created(s))
		s.broken.Store(false)
		require.Equal(t, 200, s.create(s.editor, "posts"))
		return seen
	}},
}

// An answer has what differs between the frameworks.
type answer struct {
	head, options int               // the transport's answer to these methods
	late          bool              // the guard decides inside the transport, which has answered such methods before
	guarded       map[string]string // the permission of each address
	route         string
}

func (a answer) identified(status, otherwise int) int {
	if a.late {
		return otherwise
	}
	return status
}

var answers = map[string]answer{
	"net/http": {200, 405, false, map[string]string{
		"GET /api/pages/menus": "content/pages/read", "POST /api/content/{model}": "content/{model}/create",
	}, "/api/content/{model}"},
	"chi": {200, 405, false, map[string]string{
		"GET /api/pages/menus": "content/pages/read", "POST /api/content/{model}": "content/{model}/create",
	}, "/api/content/{model}"},
	"echo": {200, 204, false, map[string]string{
		"GET /api/pages/menus": "content/pages/read", "HEAD /api/pages/menus": "content/pages/read",
		"POST /api/content/:model": "content/{model}/create",
	}, "/api/content/:model"},
	"gin": {200, 404, false, map[string]string{
		"GET /api/pages/menus": "content/pages/read", "HEAD /api/pages/menus": "content/pages/read",
		"POST /api/content/:model": "content/{model}/create",
	}, "/api/content/:model"},
	"huma": {200, 405, false, map[string]string{
		"GET /api/pages/menus": "content/pages/read", "POST /api/content/{model}": "content/{model}/create", "GET /openapi.json": "",
	}, "/api/content/{model}"},
	"htmx": {200, 405, false, map[string]string{
		"GET /api/pages/menus": "content/pages/read", "POST /api/content/{model}": "content/{model}/create", "POST /login": "",
	}, "/api/content/{model}"},
	"connect": {405, 405, true, map[string]string{
		"/content.v1.Content/Menus": "content/pages/read", "/content.v1.Content/Create": "content/{model}/create",
		"/content.v1.Content/Watch": "content/items/watch",
	}, "/content.v1.Content/Create"},
	"grpc": {405, 405, true, map[string]string{
		"/content.v1.Content/Menus": "content/pages/read", "/content.v1.Content/Create": "content/{model}/create",
		"/content.v1.Content/Watch": "content/items/watch",
	}, "/content.v1.Content/Create"},
	"mcp": {405, 405, false, map[string]string{
		"menus": "content/pages/read", "create": "content/{model}/create",
	}, "tools/call/create"},
}

// Each framework passes each probe, and README says what was seen.
func TestProbes(t *testing.T) {
	seen := map[string][]string{}
	for _, p := range probes {
		for _, name := range frameworks {
			t.Run(p.name+"/"+name, func(t *testing.T) { seen[p.name] = append(seen[p.name], p.run(t, newSite(t, name))) })
		}
	}
	require.Len(t, probes, 12)
	if t.Failed() {
		return
	}
	table := "| probe | " + strings.Join(frameworks, " | ") + " |\n|---|" + strings.Repeat("---|", len(frameworks)) + "\n"
	for _, p := range probes {
		table += "| " + p.name + " | " + strings.Join(seen[p.name], " | ") + " |\n"
	}
	inREADME(t, table)
}

// A route that has no value for the {name} of its permission is a mistake of the host, and says so.
func TestAForgottenPathValueSaysSo(t *testing.T) {
	for _, name := range frameworks {
		s := newSite(t, name)
		require.Equal(t, 500, s.misnamed(s.editor), name)
		told := slices.DeleteFunc(s.events(), func(e auth.Event) bool { return e.Reason != auth.ReasonNoPathValue })
		require.Len(t, told, 1, name)
		require.ErrorContains(t, told[0].Err, "{model}", name)
	}
}

var errBroken = errors.New("the database is down")

// brokenStore is a store of keys that fails while broken is set.
type brokenStore struct {
	keys.Store
	broken *atomic.Bool
}

func (s brokenStore) Find(ctx context.Context, space string, digests []keys.Digest) (keys.Record, error) {
	if s.broken.Load() {
		return keys.Record{}, errBroken
	}
	return s.Store.Find(ctx, space, digests)
}

func newSite(t *testing.T, name string) *site {
	s := &site{name: name, store: &content.Store{}, broken: &atomic.Bool{}}
	s.ring = keys.NewRing(brokenStore{keys.NewMemoryStore(), s.broken})
	elsewhere := keys.NewRing(keys.NewMemoryStore())
	t.Cleanup(func() {
		require.NoError(t, s.ring.Close(context.Background()))
		require.NoError(t, elsewhere.Close(context.Background()))
	})
	issue := func(ring *keys.Ring, role string) (key, id string) {
		issued, err := ring.IssueCustom(t.Context(), keys.Custom{Name: role, Role: role})
		require.NoError(t, err)
		return issued.Key.Reveal(), issued.Record.ID
	}
	s.editor, s.editorID = issue(s.ring, "editor")
	s.writer, _ = issue(s.ring, "writer")
	s.wrong, _ = issue(elsewhere, "editor")

	var mu sync.Mutex
	var events []auth.Event
	c := config(s.ring)
	c.Observe = func(_ context.Context, e auth.Event) {
		mu.Lock()
		defer mu.Unlock()
		events = append(events, e)
	}
	s.events = func() []auth.Event {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(events)
	}
	var err error
	s.server, err = open(name, c, s.store)
	require.NoError(t, err)
	switch name {
	case "grpc":
		dialGRPC(t, s)
	case "connect":
		dialConnect(t, s)
	case "mcp":
		dialMCP(t, s)
	default:
		dialHTTP(t, s)
	}
	return s
}

// ok makes 200 of any success.
func ok(status int) int {
	if status/100 == 2 {
		return http.StatusOK
	}
	return status
}
