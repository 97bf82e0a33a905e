package setup_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"github.com/latchkey-go/latchkey/auth/setup"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// A server with a public page, a JSON API for managing keys, and the first key. Without a database everything is in memory.
func Example() {
	ctx := context.Background()
	catalog, err := roles.NewCatalog(roles.Group{Name: "Content", Permissions: []roles.Entry{
		{Permission: "content/pages/read", Effect: roles.EffectRead}, {Permission: "content/pages/update"},
	}})
	if err != nil {
		log.Fatal(err)
	}
	var first string
	lk, err := setup.Open(ctx, setup.Config{
		Catalog: catalog,
		Logger:  slog.New(slog.DiscardHandler),
		Start: setup.Start{
			Roles:         []roles.Role{{AppID: "public", Name: "Public API", Permissions: roles.Grants{"content/pages/read": true}}},
			Public:        "public",
			Administrator: "Operator",
			Show:          func(k keys.Key) { first = k.Reveal() },
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer lk.Close(ctx)
	mux := http.NewServeMux()
	lk.Guard.Handle(mux, "GET /pages", "content/pages/read", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "pages")
	}))
	lk.MountAPI(mux, "/admin")
	server := httptest.NewServer(lk.Guard.Identify(mux))
	defer server.Close()

	for _, try := range []struct{ path, key string }{{"/pages", ""}, {"/admin/keys", ""}, {"/admin/keys", first}, {"/pages", "API-wrong"}} {
		r, err := http.NewRequest("GET", server.URL+try.path, nil)
		if err != nil {
			log.Fatal(err)
		}
		if try.key != "" {
			r.Header.Set("api-key", try.key)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			log.Fatal(err)
		}
		io.Copy(io.Discard, response.Body)
		response.Body.Close()
		fmt.Println(try.path, response.StatusCode)
	}
	// Output:
	// /pages 200
	// /admin/keys 401
	// /admin/keys 200
	// /pages 401
}
