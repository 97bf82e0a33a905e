package graphqlauth_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/graphqlauth"
	"github.com/latchkey-go/latchkey/roles"
)

func asJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}

func post(query, accept string) *http.Request {
	body, _ := json.Marshal(map[string]any{"query": query})
	r := httptest.NewRequest("POST", "/graphql", strings.NewReader(string(body)))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", accept)
	return r
}

func TestStatus(t *testing.T) {
	s := newSite(t, siteOptions{})
	for _, c := range []struct {
		as, query string
		status    int
	}{
		{"stranger", `{public}`, 200},
		{"stranger", `{secret{title}}`, 401},
		{"public", `{secret{title}}`, 401},
		{"reader", `{secret{title}}`, 403},
		{"reader", `{public secret{title}}`, 200},
		{"reader", `mutation{drop}`, 403},
		{"stranger", `mutation{drop}`, 401},
		{"admin", `{secret{title}}`, 200},
	} {
		for _, road := range []string{"POST", "GET", "SSE", "response+json"} {
			var r *http.Request
			switch road {
			case "POST":
				r = post(c.query, "application/json")
			case "response+json":
				r = post(c.query, "application/graphql-response+json")
			case "SSE":
				r = post(c.query, "text/event-stream")
			case "GET":
				if strings.HasPrefix(c.query, "mutation") {
					continue
				}
				r = httptest.NewRequest("GET", "/graphql?query="+url.QueryEscape(c.query), nil)
			}
			t.Run(fmt.Sprint(c.as, " ", road, " ", c.query), func(t *testing.T) {
				s.t = t
				got := s.send(c.as, r)
				require.Equal(t, c.status, got.status, got.body)
				require.Equal(t, "Api-Key, Authorization", got.header.Get("Vary"))
				if c.status != 200 {
					require.Equal(t, "no-store", got.header.Get("Cache-Control"))
					require.Zero(t, got.ran)
				}
				require.Equal(t, c.status == 401, got.header.Get("WWW-Authenticate") != "")
			})
		}
	}
}

func TestABadKeyIsRefusedBeforeGraphQL(t *testing.T) {
	s := newSite(t, siteOptions{})
	s.keys["bad"] = "junk"
	r := s.ask("bad", `{public}`)
	require.Equal(t, 401, r.status)
	require.Zero(t, r.ran)
	require.Equal(t, "application/problem+json", r.header.Get("Content-Type"))
}

// An upgrade without a key is not refused, and its writer is the server's own.
func TestAnUpgradePassesOn(t *testing.T) {
	s := newSite(t, siteOptions{})
	require.NoError(t, s.public.Disable(t.Context(), "test"))
	var got http.ResponseWriter
	door := graphqlauth.Handler(s.guard, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { got = w }))
	r := httptest.NewRequest("GET", "/graphql", nil)
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "websocket")
	w := httptest.NewRecorder()
	door.ServeHTTP(w, r)
	require.Same(t, w, got)
}

// A context is printed now and then, in logs of the host's. The request in it holds a key.
func TestTheContextPrintsNoKey(t *testing.T) {
	s := newSite(t, siteOptions{})
	printed := ""
	door := graphqlauth.Handler(s.guard, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		ctx := context.WithValue(r.Context(), http.ServerContextKey, "x")
		printed = fmt.Sprintf("%v %+v %#v %s", ctx, r.Context(), r.Context(), r.Context())
	}))
	r := httptest.NewRequest("GET", "/graphql", nil)
	r.Header.Set("api-key", s.keys["reader"])
	door.ServeHTTP(httptest.NewRecorder(), r)
	require.NotEmpty(t, printed)
	require.NotContains(t, printed, s.keys["reader"])
}

// noPolicy is a source of roles without a policy.
type noPolicy struct{}

func (noPolicy) Policy() *roles.Policy { return nil }

func TestNoPolicyIsNoVerdict(t *testing.T) {
	for _, mode := range []graphqlauth.Mode{graphqlauth.ModePartial, graphqlauth.ModeReject} {
		s := newSite(t, siteOptions{roles: noPolicy{}, options: []graphqlauth.Option{graphqlauth.WithMode(mode)}})
		for _, query := range []string{`{secret{title}}`, `{public posts{title}}`, `{public content}`, `mutation{drop}`} {
			r := s.ask("reader", query)
			require.Equal(t, 503, r.status, query)
			require.Equal(t, []string{"UNAVAILABLE"}, r.codes())
			require.NotEmpty(t, r.header.Get("Retry-After"))
			require.Zero(t, r.ran)
		}
		require.Equal(t, 200, s.ask("reader", `{public known}`).status, "needs no role")
	}
}
