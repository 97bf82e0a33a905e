package graphqlauth_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/graphqlauth"
)

// cached is a site whose GraphQL route has PublicCache, with persisted queries.
func cached(t *testing.T, get transport.GET) *site {
	s := newSite(t, siteOptions{transports: []graphql.Transport{transport.SSE{}, transport.MultipartMixed{}, get, transport.POST{}}})
	s.server.Use(extension.AutomaticPersistedQuery{Cache: graphql.MapCache[string]{
		"public": `{public}`, "posts": `{posts{title}}`, "secret": `{public secret{title}}`, "all": `{secret{title}}`, "nodes": `{nodes{id}}`,
		"some": `{nodes{...on Tag{id} ...on Secret @include(if:false){id}}}`, "error": `{users(n:1){diary}}`, "bad": `{nothing}`, "id": `{search{...on Secret{__typename} ...on Node{id}}}`,
	}})
	checks(s, "nothing", "User.diary")
	s.door = s.guard.Identify(auth.PublicCache("public, max-age=60", graphqlauth.Handler(s.guard, s.server)))
	return s
}

func persisted(name string) *http.Request {
	return httptest.NewRequest("GET", "/graphql?extensions="+url.QueryEscape(`{"persistedQuery":{"version":1,"sha256Hash":"`+name+`"}}`), nil)
}

// Only an allowed anonymous query of which nothing is denied, over GET, may be cached.
func TestPublicCacheOnTheGraphQLRoute(t *testing.T) {
	s := cached(t, transport.GET{})
	for _, c := range []struct {
		as, query string
		cached    bool
	}{
		{"public", "public", true}, {"public", "posts", true}, {"public", "some", true},
		{"public", "secret", false}, {"public", "all", false}, {"public", "nodes", false}, {"public", "error", false}, {"public", "bad", false},
		{"public", "unknown", false}, {"public", "id", false},
		{"stranger", "public", false}, {"reader", "public", false}, {"admin", "posts", false},
	} {
		want := []string{"no-store"}
		if c.cached {
			want = []string{"public, max-age=60"}
		}
		r := s.send(c.as, persisted(c.query))
		require.Equal(t, want, r.header["Cache-Control"], "%s %s: %s", c.as, c.query, r.body)
		require.Contains(t, r.header.Get("Vary"), "Api-Key")
	}
	r := httptest.NewRequest("POST", "/graphql", strings.NewReader(`{"query":"{public}"}`))
	r.Header.Set("Content-Type", "application/json")
	require.Equal(t, []string{"no-store"}, s.send("public", r).header["Cache-Control"])
	for _, accept := range []string{"text/event-stream", "multipart/mixed"} {
		for _, door := range []http.Handler{s.door, graphqlauth.Handler(s.guard, s.server)} {
			s.door = door
			r := httptest.NewRequest("POST", "/graphql", strings.NewReader(`{"query":"{public}"}`))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Accept", accept)
			reply := s.send("public", r)
			require.Contains(t, reply.header.Get("Content-Type"), accept)
			require.Equal(t, []string{"no-store"}, reply.header["Cache-Control"], accept)
		}
	}
}

// A transport that adds its own line does not leave two.
func TestOneCacheControlLine(t *testing.T) {
	s := cached(t, transport.GET{ResponseHeaders: map[string][]string{"Cache-Control": {"public, max-age=3600"}, "Content-Type": {"application/json"}}})
	for _, as := range []string{"public", "stranger", "reader"} {
		for _, query := range []string{"public", "secret", "all"} {
			require.Equal(t, []string{"no-store"}, s.send(as, persisted(query)).header["Cache-Control"], "%s %s", as, query)
		}
	}
}
