package graphqlauth_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/graphqlauth"
	"github.com/latchkey-go/latchkey/graphqlauth/testschema"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// What the callers in the tests may do. Stranger is a caller without a key while the public API is closed, public one while it is
// open; all others show a key.
var testRoles = []roles.Role{
	{AppID: "public", Permissions: roles.Grants{"content/posts/read": true}},
	{AppID: "reader", Permissions: roles.Grants{"content/posts/read": true}},
	{AppID: "editor", Permissions: roles.Grants{
		"content/*/read": true, "content/secret/read": false, "content/write": true, "roles/editor": true,
	}},
	{AppID: "empty"},
}

// A site is a server over testschema, at handler level.
type site struct {
	t      testing.TB
	root   *testschema.Root
	server *handler.Server
	door   http.Handler
	keys   map[string]string // by role
	guard  *auth.Guard
	public *publicapi.Service
}

// hooks are all of ours, and a host's own.
func hooks() testschema.DirectiveRoot {
	return testschema.DirectiveRoot{
		Can: graphqlauth.Can, Authenticated: graphqlauth.Cleared, Public: graphqlauth.Cleared,
		RequiresScopes: graphqlauth.RequiresScopes,
		HasRole: func(ctx context.Context, obj any, next graphql.Resolver, _ string) (any, error) {
			return graphqlauth.Cleared(ctx, obj, next)
		},
		Own: owner,
	}
}

// owner is a hook of the host's own, which decides on objects: each user has a diary, and only that of user 1 may be
// read.
func owner(ctx context.Context, obj any, next graphql.Resolver) (any, error) {
	if p, _ := auth.PrincipalFrom(ctx); !p.Authenticated() {
		return nil, &auth.Refusal{Status: http.StatusUnauthorized, Reason: auth.ReasonMissingKey}
	}
	if obj.(*testschema.User).ID != "1" {
		return nil, fmt.Errorf("another's diary: %w", &auth.Refusal{Status: http.StatusForbidden, Reason: auth.ReasonNotGranted})
	}
	return next(ctx)
}

// passThrough are hooks that do nothing, as gqlgen's are with skip_runtime.
func passThrough() testschema.DirectiveRoot {
	pass := func(ctx context.Context, _ any, next graphql.Resolver) (any, error) { return next(ctx) }
	return testschema.DirectiveRoot{
		Can: func(ctx context.Context, obj any, next graphql.Resolver, _ string) (any, error) {
			return pass(ctx, obj, next)
		},
		HasRole: func(ctx context.Context, obj any, next graphql.Resolver, _ string) (any, error) {
			return pass(ctx, obj, next)
		},
		Authenticated: pass, Public: pass, Own: pass,
		RequiresScopes: func(ctx context.Context, obj any, next graphql.Resolver, _ [][]string) (any, error) {
			return pass(ctx, obj, next)
		},
	}
}

// hasRole reads @hasRole(role: "editor") as the permission roles/editor.
func hasRole(d *ast.Directive) (graphqlauth.Rule, error) {
	return graphqlauth.Require("roles/" + d.Arguments.ForName("role").Value.Raw), nil
}

type siteOptions struct {
	directives testschema.DirectiveRoot
	options    []graphqlauth.Option
	bare       bool // without the extension
	noHandler  bool // Identify alone, without our Handler
	roles      roles.Source
	observe    func(context.Context, auth.Event)
	transports []graphql.Transport
}

func newSite(t testing.TB, o siteOptions) *site {
	s := &site{t: t, root: &testschema.Root{}, keys: map[string]string{}}
	ring := keys.NewRing(keys.NewMemoryStore())
	t.Cleanup(func() { _ = ring.Close(context.Background()) })
	policy := roles.MustCompile(testRoles...)
	if o.roles == nil {
		o.roles = policy
	}
	var err error
	s.public, err = publicapi.New(publicapi.Config{Store: publicapi.NewMemoryStore(), Roles: policy})
	require.NoError(t, err)
	s.guard, err = auth.New(auth.Config{Keys: ring, Roles: o.roles, Anonymous: s.public, Observe: o.observe})
	require.NoError(t, err)
	for _, role := range []string{"reader", "editor", "empty", roles.Admin} {
		issued, err := ring.IssueCustom(t.Context(), keys.Custom{Name: role, Role: role})
		require.NoError(t, err)
		s.keys[role] = issued.Key.Reveal()
	}
	narrow, err := ring.IssueCustom(t.Context(), keys.Custom{Name: "narrow", Role: roles.Admin, Scopes: []string{"content/posts/*"}})
	require.NoError(t, err)
	s.keys["narrow"] = narrow.Key.Reveal()

	if o.directives.Can == nil {
		o.directives = hooks()
	}
	s.server = handler.New(testschema.NewExecutableSchema(testschema.Config{Resolvers: s.root, Directives: o.directives}))
	if o.transports == nil {
		o.transports = []graphql.Transport{transport.SSE{}, transport.GET{}, transport.POST{}}
	}
	for _, t := range o.transports {
		s.server.AddTransport(t)
	}
	s.server.SetQueryCache(lru.New[*ast.QueryDocument](100))
	if !o.bare {
		s.server.Use(graphqlauth.New(s.guard, append([]graphqlauth.Option{graphqlauth.WithDirective("hasRole", hasRole)}, o.options...)...))
		graphqlauth.Secure(s.server)
	}
	s.server.Use(extension.Introspection{})
	s.door = graphqlauth.Handler(s.guard, s.server)
	if o.noHandler {
		s.door = s.guard.Identify(s.server)
	}
	return s
}

// A reply is what a caller got.
type reply struct {
	status int
	header http.Header
	body   string
	ran    int64 // root fields that were resolved for it
	Data   map[string]any
	Errors []struct {
		Message    string
		Path       []any
		Extensions map[string]any
	}
}

// codes are the codes and coordinates of the errors, in order: "FORBIDDEN Query.secret".
func (r reply) codes() (all []string) {
	for _, e := range r.Errors {
		code, _ := e.Extensions["code"].(string)
		coordinate, _ := e.Extensions["coordinate"].(string)
		all = append(all, strings.TrimSpace(code+" "+coordinate))
	}
	slices.Sort(all)
	return all
}

// leaked are the values that a reply must not hold unless everything is allowed.
func (r reply) leaked() bool { return strings.Contains(r.body, "TOP SECRET") }

// ask sends a query as a caller: the name of a role for its key, "public" with the public API open, "stranger" with it
// closed.
func (s *site) ask(as, query string, vars ...map[string]any) reply {
	s.t.Helper()
	body := map[string]any{"query": query}
	if len(vars) > 0 {
		body["variables"] = vars[0]
	}
	sent, err := json.Marshal(body)
	require.NoError(s.t, err)
	r := httptest.NewRequest("POST", "/graphql", strings.NewReader(string(sent)))
	r.Header.Set("Content-Type", "application/json")
	return s.send(as, r)
}

func (s *site) send(as string, r *http.Request) reply {
	s.t.Helper()
	switch as {
	case "public":
		preview, err := s.public.Preview(s.t.Context(), "public")
		require.NoError(s.t, err)
		require.NoError(s.t, s.public.Set(s.t.Context(), publicapi.Opening{Role: "public", By: "test", Token: preview.Token, Acknowledged: []string{"content/posts/read"}}))
	case "stranger":
		require.NoError(s.t, s.public.Disable(s.t.Context(), "test"))
	default:
		require.Contains(s.t, s.keys, as)
		r.Header.Set("api-key", s.keys[as])
	}
	before := s.root.Ran.Load()
	w := httptest.NewRecorder()
	s.door.ServeHTTP(w, r)
	reply := reply{status: w.Code, header: w.Header(), body: w.Body.String(), ran: s.root.Ran.Load() - before}
	if strings.HasPrefix(w.Header().Get("Content-Type"), "application/") {
		require.NoError(s.t, json.Unmarshal(w.Body.Bytes(), &reply), w.Body)
	}
	return reply
}

// context is that of a request as it reaches the server, behind Handler.
func (s *site) context(as string) (ctx context.Context) {
	r := httptest.NewRequest("POST", "/graphql", nil)
	r.Header.Set("api-key", s.keys[as])
	graphqlauth.Handler(s.guard, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		ctx = r.Context()
	})).ServeHTTP(httptest.NewRecorder(), r)
	return ctx
}
