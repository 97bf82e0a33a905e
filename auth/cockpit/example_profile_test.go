package cockpit_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/cockpit"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// A content API that clients of Cockpit take for Cockpit's.
func ExampleConfigure() {
	ctx := context.Background()
	ring := keys.NewRing(keys.NewMemoryStore())
	defer ring.Close(ctx)
	build, err := ring.IssueCustom(ctx, keys.Custom{Name: "Website build", Role: "editor"})
	if err != nil {
		log.Fatal(err)
	}
	guard, err := auth.New(cockpit.Configure(auth.Config{
		Keys: ring,
		Roles: roles.MustCompile(
			roles.Role{AppID: "web", Permissions: roles.Grants{"content/posts/read": true}},
			roles.Role{AppID: "editor", Permissions: roles.Grants{"content/**": true}},
		),
		Anonymous: publicapi.Fixed("web"),
	}))
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	guard.Handle(mux, "GET /api/content/items/{model}", "content/{model}/read", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `[{"title":"Hello"}]`)
	}))
	api := cockpit.CORS(guard.Handler(mux))

	ask := func(method, target, apiKey string) {
		r := httptest.NewRequest(method, target, nil)
		if apiKey != "" {
			r.Header.Set("api-key", apiKey)
		}
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Body)
	}
	ask("GET", "/api/content/items/posts", "")
	ask("GET", "/api/content/items/drafts", "")
	ask("GET", "/api/content/items/drafts", build.Key.Reveal())
	ask("GET", "/api/content/items/drafts?api_key="+build.Key.Reveal(), "")
	ask("GET", "/api/content/items/posts?api_key=typo", build.Key.Reveal())
	ask("OPTIONS", "/api/anything", "")
	// Output:
	// 200 [{"title":"Hello"}]
	// 403 {"error":"Permission denied"}
	// 200 [{"title":"Hello"}]
	// 200 [{"title":"Hello"}]
	// 412 {"error":"Authentication failed"}
	// 200
}

func ExampleCatalog() {
	catalog, err := cockpit.Catalog(cockpit.Model{Name: "settings", Label: "Site settings", Type: "singleton"})
	if err != nil {
		log.Fatal(err)
	}
	for _, group := range catalog.Groups(nil) {
		if group.Name != "Content: Site settings" {
			continue
		}
		for _, e := range group.Permissions {
			fmt.Println(e.Permission, e.Label, e.Effect)
		}
	}
	// Output:
	// content/settings/manage Edit model write
	// content/settings/read Read read
	// content/settings/update Update write
	// content/settings/publish Publish write
}
