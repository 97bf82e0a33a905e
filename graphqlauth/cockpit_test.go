package graphqlauth_test

import (
	"context"
	"errors"
	"io"
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
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// failingKeys is a store whose look-ups fail while err is set.
type failingKeys struct {
	keys.Store
	err error
}

func (s *failingKeys) Find(ctx context.Context, space string, digests []keys.Digest) (keys.Record, error) {
	if s.err != nil {
		return keys.Record{}, s.err
	}
	return s.Store.Find(ctx, space, digests)
}

// TestRefusalsBeforeTheOperationHaveCockpitsShape: a request that is refused before its operation is read is answered
// as Cockpit's profile answers everywhere. An operation that is rejected afterwards keeps graphqlauth's own shape: the
// profile has no words for GraphQL errors.
func TestRefusalsBeforeTheOperationHaveCockpitsShape(t *testing.T) {
	store := &failingKeys{Store: keys.NewMemoryStore()}
	ring, err := keys.Open(keys.Config{Store: store})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ring.Close(context.Background())) })
	guard, err := auth.New(cockpit.Configure(auth.Config{
		Keys: ring, Anonymous: publicapi.Fixed("web"),
		Roles: roles.MustCompile(roles.Role{AppID: "web", Permissions: roles.Grants{"content/posts/read": true}}),
	}))
	require.NoError(t, err)
	issued, err := ring.IssueCustom(t.Context(), keys.Custom{Name: "reader", Role: "web"})
	require.NoError(t, err)
	reader := issued.Key.Reveal()

	server := handler.New(testschema.NewExecutableSchema(testschema.Config{Resolvers: &testschema.Root{}, Directives: hooks()}))
	server.AddTransport(transport.POST{})
	graphqlauth.Secure(server)
	server.Use(graphqlauth.New(guard, graphqlauth.WithDirective("hasRole", hasRole)))
	api := cockpit.CORS(graphqlauth.Handler(guard, server))

	ask := func(query string, header ...string) (*http.Response, string) {
		r := httptest.NewRequest("POST", "/api/gql?"+query, strings.NewReader(`{"query":"{public}"}`))
		r.Header.Set("Content-Type", "application/json")
		for i := 0; i < len(header); i += 2 {
			r.Header.Add(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		body, err := io.ReadAll(w.Result().Body)
		require.NoError(t, err)
		return w.Result(), string(body)
	}
	requireRefusal := func(status int, text, query string, header ...string) {
		t.Helper()
		resp, body := ask(query, header...)
		require.Equal(t, status, resp.StatusCode)
		require.Equal(t, text, body)
		require.Equal(t, "application/json", resp.Header.Get("Content-Type"))
		require.Equal(t, []string{"no-store"}, resp.Header.Values("Cache-Control"))
		require.Contains(t, resp.Header.Get("Vary"), "Api-Key, Authorization")
		require.Equal(t, status == 503, resp.Header.Get("Retry-After") != "")
		require.Empty(t, resp.Header.Get("WWW-Authenticate"))
		require.Equal(t, "*", resp.Header.Get("Access-Control-Allow-Origin"))
	}

	for _, good := range []struct {
		query  string
		header []string
	}{{"", []string{"api-key", reader}}, {"api_key=" + reader, nil}, {"api_key=" + reader, []string{"api-key", "junk"}}, {"", nil}} {
		resp, body := ask(good.query, good.header...)
		require.Equal(t, 200, resp.StatusCode, body)
		require.Equal(t, "*", resp.Header.Get("Access-Control-Allow-Origin"))
	}
	const notAuthenticated = `{"error":"Authentication failed"}`
	requireRefusal(412, notAuthenticated, "", "api-key", "junk")
	requireRefusal(412, notAuthenticated, "", "Authorization", "Bearer junk")
	requireRefusal(412, notAuthenticated, "api_key=junk")
	requireRefusal(412, notAuthenticated, "api_key[]="+reader)
	requireRefusal(412, notAuthenticated, "api_key=junk", "api-key", reader)
	requireRefusal(412, notAuthenticated, "api_key=", "api-key", reader)
	requireRefusal(412, notAuthenticated, "", "api_key", reader)
	store.err = errors.New("the disk of db-7 is on fire")
	requireRefusal(503, `{"error":"Service unavailable"}`, "", "api-key", reader)
}
