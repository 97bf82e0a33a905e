package huma

import (
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/roles"
)

// Secure writes into an OpenAPI description what guard.Routes() says: the two ways to send a key, and what each operation
// needs. An operation that the public role reaches needs no key. The lists hold permissions; OpenAPI 3.1 has room for such
// names in every scheme.
func Secure(doc *huma.OpenAPI, guard *auth.Guard, public string) {
	if doc.Components == nil {
		doc.Components = &huma.Components{}
	}
	doc.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"apiKey": {Type: "apiKey", In: "header", Name: "api-key"},
		"bearer": {Type: "http", Scheme: "bearer"},
	}
	for _, route := range guard.Routes() {
		op := operationOf(doc, route.Pattern)
		if op == nil {
			continue
		}
		if !route.Key && route.ReachedBy(guard.Policy(), roles.Rights{Role: public}) {
			op.Security = append(op.Security, map[string][]string{}) // no key
		}
		if route.Open {
			continue
		}
		permissions := []string{}
		if route.Permission != "" {
			permissions = append(permissions, route.Permission)
		}
		op.Security = append(op.Security, map[string][]string{"apiKey": permissions}, map[string][]string{"bearer": permissions})
	}
}

func operationOf(doc *huma.OpenAPI, pattern string) *huma.Operation {
	method, path, _ := strings.Cut(pattern, " ")
	item := doc.Paths[path]
	if item == nil {
		return nil
	}
	return map[string]*huma.Operation{
		http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put,
		http.MethodPatch: item.Patch, http.MethodDelete: item.Delete,
	}[method]
}
