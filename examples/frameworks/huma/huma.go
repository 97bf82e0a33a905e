// Package huma guards github.com/danielgtaylor/huma, on the router of the standard library.
package huma

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/examples/frameworks/content"
)

// Router returns the routes, each with its permission beside its path, and serves their description. Serve
// guard.Identify(router). public is the role of callers without a key.
func Router(guard *auth.Guard, store *content.Store, public string) *http.ServeMux {
	mux := http.NewServeMux()
	config := huma.DefaultConfig("Content", "1.0.0")
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", "" // huma's own routes would not be guarded
	api := huma.NewAPI(config, adapter{mux, guard})
	huma.Register(api, operation("GET", "/api/pages/menus", "content/pages/read"), func(context.Context, *struct{}) (*reply[[]string], error) {
		return &reply[[]string]{200, store.Menus()}, nil
	})
	huma.Register(api, operation("POST", "/api/content/{model}", "content/{model}/create"), func(ctx context.Context, in *struct {
		Model string `path:"model"`
	}) (*reply[content.Item], error) {
		return &reply[content.Item]{201, store.Create(ctx, in.Model)}, nil
	})
	Secure(api.OpenAPI(), guard, public)
	guard.HandleOpen(mux, "GET /openapi.json", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		text, _ := api.OpenAPI().MarshalJSON()
		_, _ = w.Write(text)
	}))
	return mux
}

type reply[T any] struct {
	Status int
	Body   T
}

// glue

func operation(method, path, permission string) huma.Operation {
	return huma.Operation{OperationID: method + path, Method: method, Path: path, Metadata: map[string]any{"needs": permission}}
}

type adapter struct {
	*http.ServeMux
	guard *auth.Guard
}

// Handle registers an operation. One without a permission panics: at start, not in a request.
func (a adapter) Handle(op *huma.Operation, serve func(huma.Context)) {
	a.guard.Handle(a.ServeMux, op.Method+" "+op.Path, op.Metadata["needs"].(string), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		serve(humago.NewContext(op, r, w))
	}))
}
