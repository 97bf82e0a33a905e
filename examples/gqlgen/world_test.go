package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/examples/gqlgen/blog"
	"github.com/latchkey-go/latchkey/examples/gqlgen/graph"
	"github.com/latchkey-go/latchkey/graphqlauth"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// A world is the example's server on a real port. It counts resolver calls.
type world struct {
	t        *testing.T
	url      string
	blog     *blog.Blog
	ring     *keys.Ring
	resolved atomic.Int64
	keys     map[string]string // of a user of each role, by role
	ids      map[string]string // of the keys' records
}

// theRoles are the roles of main, and some with a single permission.
var theRoles = []roles.Role{
	{AppID: "public", Permissions: roles.Grants{"content/posts/read": true}},
	{AppID: "reader", Permissions: roles.Grants{"content/*/read": true}},
	{AppID: "editor", Permissions: roles.Grants{"content/**": true, "app/**": true}},
	{AppID: "posts", Permissions: roles.Grants{"content/posts/read": true}},
	{AppID: "drafts", Permissions: roles.Grants{"content/posts/read": true, "content/drafts/read": true}},
	{AppID: "reports", Permissions: roles.Grants{"app/reports/read": true}},
	{AppID: "author", Permissions: roles.Grants{"content/posts/read": true, "content/posts/create": true}},
	{AppID: "cleaner", Permissions: roles.Grants{"content/posts/delete": true}},
	{AppID: "nothing"},
}

// newWorld starts the server with these roles, and a user with a key for each. A schema replaces the generated one.
func newWorld(t *testing.T, rs []roles.Role, public auth.Anonymous, schema ...*ast.Schema) *world {
	t.Helper()
	w := &world{t: t, blog: blog.New(), ring: keys.NewRing(keys.NewMemoryStore()), keys: map[string]string{"": ""}, ids: map[string]string{}}
	t.Cleanup(func() { require.NoError(t, w.ring.Close(context.Background())) })
	users := auth.UserMap{"admin": {Name: "admin", Role: "admin", Active: true}}
	for _, role := range rs {
		users[role.AppID] = auth.User{Name: "a " + role.AppID, Role: role.AppID, Active: true}
	}
	for role := range users {
		issued, err := w.ring.IssueUser(t.Context(), role, keys.User{})
		require.NoError(t, err)
		w.keys[role], w.ids[role] = issued.Key.Reveal(), issued.Record.ID
	}
	guard, err := auth.New(auth.Config{Keys: w.ring, Roles: roles.MustCompile(rs...), Users: users, Anonymous: public})
	require.NoError(t, err)
	c := config(counted{&graph.Resolver{Blog: w.blog}, &w.resolved})
	if len(schema) > 0 {
		c.Schema = schema[0]
	}
	mux := http.NewServeMux()
	mux.Handle("/graphql", graphqlauth.Handler(guard, newServer(guard, c)))
	servePage(guard, mux)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

func standard(t *testing.T) *world { return newWorld(t, theRoles, publicapi.Fixed("public")) }

// counted counts resolver calls: gqlgen asks the root for a resolver before each call.
type counted struct {
	graph.ResolverRoot
	calls *atomic.Int64
}

func (c counted) Query() graph.QueryResolver { c.calls.Add(1); return c.ResolverRoot.Query() }
func (c counted) Mutation() graph.MutationResolver {
	c.calls.Add(1)
	return c.ResolverRoot.Mutation()
}
func (c counted) Subscription() graph.SubscriptionResolver {
	c.calls.Add(1)
	return c.ResolverRoot.Subscription()
}
func (c counted) Post() graph.PostResolver { c.calls.Add(1); return c.ResolverRoot.Post() }

// An answer is the response to one operation.
type answer struct {
	status   int
	header   http.Header
	raw      string
	resolved int64 // that ran for it
	Data     map[string]any
	Errors   []struct {
		Message    string
		Path       []any
		Extensions map[string]any
	}
}

// codes returns the error code of each coordinate.
func (a *answer) codes() map[string]string {
	found := map[string]string{}
	for _, e := range a.Errors {
		found[fmt.Sprint(e.Extensions["coordinate"])] += fmt.Sprint(e.Extensions["code"])
	}
	return found
}

// ask sends an operation by POST with the key of a role; "" sends no key.
func (w *world) ask(role, query string, variables map[string]any) *answer {
	w.t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	require.NoError(w.t, err)
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.url+"/graphql", strings.NewReader(string(body)))
	require.NoError(w.t, err)
	r.Header.Set("Content-Type", "application/json")
	return w.send(r, role)
}

func (w *world) send(r *http.Request, role string) *answer {
	w.t.Helper()
	if role != "" {
		require.NotEmpty(w.t, w.keys[role], role)
		r.Header.Set("api-key", w.keys[role])
	}
	before := w.resolved.Load()
	resp, err := http.DefaultClient.Do(r)
	require.NoError(w.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(w.t, err)
	a := &answer{status: resp.StatusCode, header: resp.Header, raw: string(body), resolved: w.resolved.Load() - before}
	if strings.Contains(resp.Header.Get("Content-Type"), "json") {
		require.NoError(w.t, json.Unmarshal(body, a), a.raw)
	}
	return a
}
