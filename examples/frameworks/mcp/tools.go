package mcp

import (
	"context"
	"net/http"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/examples/frameworks/content"
)

// Content adds the tools of the example to a server, and serves them.
func Content(guard *auth.Guard, server *mcp.Server, store *content.Store) (Tools, http.Handler) {
	type none struct{}
	type model struct {
		Model string `json:"model"`
	}
	type menus struct {
		Menus []string `json:"menus"`
	}
	t := Tools{}
	AddTool(t, guard, server, "menus", "content/pages/read", func(none) map[string]string { return nil },
		func(context.Context, *mcp.CallToolRequest, none) (*mcp.CallToolResult, menus, error) {
			return nil, menus{store.Menus()}, nil
		})
	AddTool(t, guard, server, "create", "content/{model}/create", func(in model) map[string]string { return map[string]string{"model": in.Model} },
		func(ctx context.Context, _ *mcp.CallToolRequest, in model) (*mcp.CallToolResult, content.Item, error) {
			return nil, store.Create(ctx, in.Model), nil
		})
	return t, t.Handler(guard, server)
}
