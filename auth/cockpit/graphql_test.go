package cockpit_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/cockpit"
	"github.com/latchkey-go/latchkey/graphqlauth"
	"github.com/latchkey-go/latchkey/graphqlauth/testschema"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// What is refused before an operation is read looks as it does everywhere. An operation that is rejected afterwards
// keeps graphqlauth's own shape: the profile has no words for errors of GraphQL's.
func TestGraphQLsDoorLooksLikeCockpits(t *testing.T) {
	d := openFrontDoor(t, func(c *auth.Config) {
		c.Roles = roles.MustCompile(roles.Role{AppID: "web", Permissions: roles.Grants{"content/posts/read": true}}, roles.Role{AppID: "empty"})
	})
	reader := d.custom(keys.Custom{Name: "reader", Role: "web"})
	server := handler.New(testschema.NewExecutableSchema(testschema.Config{
		Resolvers: &testschema.Root{},
		Directives: testschema.DirectiveRoot{
			Can: graphqlauth.Can, Authenticated: graphqlauth.Authenticated, Public: graphqlauth.Public, RequiresScopes: graphqlauth.RequiresScopes,
		},
	}))
	server.AddTransport(transport.POST{})
	graphqlauth.Secure(server)
	server.Use(graphqlauth.New(d.guard))
	d.api = cockpit.CORS(graphqlauth.Handler(d.guard, server))

	ask := func(query string, header ...string) *http.Response {
		r := httptest.NewRequest("POST", "/api/gql?"+query, strings.NewReader(`{"query":"{public}"}`))
		r.Header.Set("Content-Type", "application/json")
		for i := 0; i < len(header); i += 2 {
			r.Header.Add(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		d.api.ServeHTTP(w, r)
		return w.Result()
	}
	for _, resp := range []*http.Response{ask("", "api-key", reader), ask("api_key=" + reader), ask("api_key="+reader, "api-key", "junk"), ask("")} {
		require.Equal(t, 200, resp.StatusCode, text(t, resp))
		requireCORS(t, resp)
	}
	for _, resp := range []*http.Response{
		ask("", "api-key", "junk"), ask("", "Authorization", "Bearer junk"), ask("api_key=junk"), ask("api_key[]=" + reader),
		ask("api_key=junk", "api-key", reader), ask("api_key=", "api-key", reader), ask("", "api_key", reader),
	} {
		requireRefusal(t, resp, 412, notLetIn)
	}
	d.store.err = errOnFire
	requireRefusal(t, ask("", "api-key", reader), 503, notNow)
}
