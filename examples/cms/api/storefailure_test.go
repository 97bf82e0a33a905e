package api_test

import (
	"database/sql"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/examples/cms/api"
	"github.com/latchkey-go/latchkey/examples/cms/content"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// If the database fails, every address answers 503 without the database's error text.
func TestStoreInTrouble(t *testing.T) {
	db, err := sql.Open("sqlite", ":memory:")
	require.NoError(t, err)
	require.NoError(t, db.Close())
	ring := keys.NewRing(keys.NewMemoryStore())
	defer ring.Close(t.Context())
	key, err := ring.IssueCustom(t.Context(), keys.Custom{Role: roles.Admin})
	require.NoError(t, err)
	guard, err := auth.New(auth.Config{Keys: ring, Roles: roles.MustCompile()})
	require.NoError(t, err)
	mux := http.NewServeMux()
	api.Register(mux, guard, content.New(db), api.Dialect{})
	for _, address := range []string{
		"GET /api/content/items/posts", "GET /api/content/item/posts", "GET /api/content/item/posts/one",
		"POST /api/content/item/posts", "DELETE /api/content/item/posts/one", "GET /api/pages/menus",
		"GET /api/content/items?models={posts:{}}", "GET /api/content/tree/posts", "GET /api/content/aggregate/posts?pipeline=[]",
		"GET /api/gql?query={__typename}",
	} {
		method, path, _ := strings.Cut(address, " ")
		r := httptest.NewRequest(method, path, strings.NewReader(`{"data":{}}`))
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		require.Equal(t, 401, w.Code, "%s: without a key it is not asked", address)
		r.Header.Set("api-key", key.Key.Reveal())
		w = httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		require.Equal(t, 503, w.Code, address)
		require.NotContains(t, w.Body.String(), "sql")
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", "/api/system/healthcheck", nil))
	require.Equal(t, 503, w.Code)
	require.Equal(t, `{"status":"error"}`, strings.TrimSpace(w.Body.String()))
}
