package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/examples/federation/graph"
	"github.com/latchkey-go/latchkey/graphqlauth"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
)

// counted counts resolver calls: gqlgen asks the root for a resolver before each call.
type counted struct {
	graph.ResolverRoot
	calls *atomic.Int64
}

func (c counted) Query() graph.QueryResolver   { c.calls.Add(1); return c.ResolverRoot.Query() }
func (c counted) Entity() graph.EntityResolver { c.calls.Add(1); return c.ResolverRoot.Entity() }

type answer struct {
	status   int
	raw      string
	resolved int64
	Data     map[string]any
	Errors   []struct {
		Path       []any
		Extensions map[string]any
	}
}

func (a *answer) codes() map[string]string {
	found := map[string]string{}
	for _, e := range a.Errors {
		found[fmt.Sprint(e.Extensions["coordinate"])] += fmt.Sprint(e.Extensions["code"])
	}
	return found
}

// newAsk returns a function that queries a subgraph with the key of a role; "" sends no key. Callers without a key
// are shoppers.
func newAsk(t *testing.T, options ...graphqlauth.Option) func(role, query string, representations ...any) *answer {
	ring := keys.NewRing(keys.NewMemoryStore())
	t.Cleanup(func() { require.NoError(t, ring.Close(context.Background())) })
	guard, err := auth.New(auth.Config{Keys: ring, Roles: policy, Anonymous: publicapi.Fixed("shopper")})
	require.NoError(t, err)
	shown := map[string]string{}
	for _, role := range []string{"router", "shopper", "analyst"} {
		issued, err := ring.IssueCustom(t.Context(), keys.Custom{Name: role, Role: role})
		require.NoError(t, err)
		shown[role] = issued.Key.Reveal()
	}
	var calls atomic.Int64
	server := httptest.NewServer(subgraph(guard, counted{&graph.Resolver{}, &calls}, options...))
	t.Cleanup(server.Close)

	return func(role, query string, representations ...any) *answer {
		t.Helper()
		body, err := json.Marshal(map[string]any{"query": query, "variables": map[string]any{"r": representations}})
		require.NoError(t, err)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/graphql", strings.NewReader(string(body)))
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/json")
		if role != "" {
			r.Header.Set("api-key", shown[role])
		}
		before := calls.Load()
		resp, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer resp.Body.Close()
		a := &answer{status: resp.StatusCode}
		var raw json.RawMessage
		require.NoError(t, json.NewDecoder(resp.Body).Decode(&raw))
		require.NoError(t, json.Unmarshal(raw, a), string(raw))
		a.raw, a.resolved = string(raw), calls.Load()-before
		return a
	}
}

const entities = `query ($r: [_Any!]!) { _entities(representations: $r) {
	... on Product { name cost } ... on Customer { name email notes } } }`

var (
	product  = map[string]any{"__typename": "Product", "id": "p1"}
	customer = map[string]any{"__typename": "Customer", "id": "c1"}
)

func TestAnonymousEntitiesGiveNothing(t *testing.T) {
	ask := newAsk(t)
	for _, r := range [][]any{{product}, {customer}, {product, customer}} {
		a := ask("", entities, r...)
		require.Nil(t, a.Data["_entities"], a.raw)
		require.NotEmpty(t, a.Errors)
		require.Equal(t, "UNAUTHENTICATED", a.Errors[0].Extensions["code"])
		require.Zero(t, a.resolved, "a resolver ran")
	}
}

// If root fields are open, the schema's rules still hold on the fields below them.
func TestOpenEntitiesAreDecidedOneByOne(t *testing.T) {
	ask := newAsk(t, graphqlauth.WithInsecureDefault())
	a := ask("", entities, product, customer, product)
	padlock := map[string]any{"name": "Padlock", "cost": nil}
	require.Equal(t, []any{padlock, nil, padlock}, a.Data["_entities"], a.raw)
	require.Len(t, a.Errors, len(a.codes()), "one error for each coordinate: %s", a.raw)
	for coordinate, code := range a.codes() {
		require.Equal(t, "UNAUTHENTICATED", code, coordinate)
	}
	require.Equal(t, "UNAUTHENTICATED", a.codes()["Product.cost"])
	require.NotContains(t, a.raw, "Ada")
}

func TestAKeyGetsEntitiesByItsRole(t *testing.T) {
	ask := newAsk(t)
	a := ask("router", entities, product, customer)
	require.Empty(t, a.Errors, a.raw)
	require.Equal(t, []any{
		map[string]any{"name": "Padlock", "cost": 700.},
		map[string]any{"name": "Ada", "email": "ada@example.org", "notes": "Pays late"},
	}, a.Data["_entities"])

	a = ask("shopper", entities, product, customer)
	require.Equal(t, 200, a.status)
	require.Equal(t, []any{
		map[string]any{"name": "Padlock", "cost": nil},
		map[string]any{"name": "Ada", "email": nil, "notes": nil},
	}, a.Data["_entities"], a.raw)
	require.Equal(t, map[string]string{"Product.cost": "FORBIDDEN", "Customer.email": "FORBIDDEN", "Customer.notes": "FORBIDDEN"}, a.codes())

	a = ask("analyst", entities, product)
	require.Empty(t, a.Errors, "the second list of @requiresScopes, as a whole")
	require.Equal(t, []any{map[string]any{"name": "Padlock", "cost": 700.}}, a.Data["_entities"])
}

func TestTheSchemaByRole(t *testing.T) {
	ask := newAsk(t)
	for role, code := range map[string]string{"": "UNAUTHENTICATED", "shopper": "FORBIDDEN", "router": ""} {
		for _, query := range []string{`{ _service { sdl } }`, `{ __schema { types { name } } }`, `{ __type(name: "Customer") { name } }`} {
			a := ask(role, query)
			if code == "" {
				require.Empty(t, a.Errors, a.raw)
				continue
			}
			require.NotContains(t, a.raw, "Customer", "%s %s", role, query)
			require.NotEmpty(t, a.Errors)
			require.Equal(t, code, a.Errors[0].Extensions["code"], "%s %s", role, query)
		}
	}
}

func TestThePublicFieldIsOpenAndItsCostIsNot(t *testing.T) {
	ask := newAsk(t)
	a := ask("", `{ product(id: "p1") { name cost } }`)
	require.Equal(t, map[string]any{"name": "Padlock", "cost": nil}, a.Data["product"], a.raw)
	require.Equal(t, map[string]string{"Product.cost": "UNAUTHENTICATED"}, a.codes())
}
