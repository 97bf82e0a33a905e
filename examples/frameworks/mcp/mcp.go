// Package mcp guards the tools of github.com/modelcontextprotocol/go-sdk, with the stateful sessions of its default.
//
// The trap: a tool's context is that of the request which opened the session, and so is the principal in it. Here each call
// is decided by its own credential, and a session belongs to the caller who opened it.
package mcp

import (
	"context"
	"net/http"

	sdk "github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/latchkey-go/latchkey/auth"
)

// glue

// Tools has the permission of each tool that [AddTool] added. Other tools cannot be called.
type Tools map[string]string

// Handler serves the tools of server. It refuses requests with a bad key.
func (t Tools) Handler(guard *auth.Guard, server *mcp.Server) http.Handler {
	server.AddReceivingMiddleware(func(next mcp.MethodHandler) mcp.MethodHandler {
		return func(ctx context.Context, method string, r mcp.Request) (mcp.Result, error) {
			if call, ok := r.(*mcp.CallToolRequest); ok && t[call.Params.Name] == "" {
				return nil, &jsonrpc.Error{Code: http.StatusInternalServerError, Message: "The tool was not added by AddTool"}
			}
			return next(ctx, method, r)
		}
	})
	tools := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil)
	return guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, stop := auth.Follow(r.Context()) // ends the stream when the caller's access ends
		defer stop()
		p, _ := auth.PrincipalFrom(ctx)
		call := auth.Call{Header: r.Header, Peer: guard.ClientAddr(r)}
		info := &sdk.TokenInfo{UserID: string(p.Kind()) + " " + p.UserID() + p.KeyID(), Extra: map[string]any{"call": call}}
		verified := func(context.Context, string, *http.Request) (*sdk.TokenInfo, error) { return info, nil }
		r = r.Clone(ctx)
		r.Header.Set("Authorization", "Bearer verified") // only through its own check does the SDK bind a session to a user
		sdk.RequireBearerToken(verified, &sdk.RequireBearerTokenOptions{AllowMissingExpiration: true})(tools).ServeHTTP(w, r)
	}))
}

// AddTool adds a tool. The {name}s in the permission that it needs are values of the input that the tool gets.
func AddTool[I, O any](t Tools, g *auth.Guard, s *mcp.Server, name, permission string, values func(I) map[string]string, h mcp.ToolHandlerFor[I, O]) {
	t[name] = permission
	mcp.AddTool(s, &mcp.Tool{Name: name}, func(ctx context.Context, r *mcp.CallToolRequest, in I) (res *mcp.CallToolResult, out O, err error) {
		call := r.Extra.TokenInfo.Extra["call"].(auth.Call)
		call.Operation, call.Permission, call.Values = "tools/call/"+name, permission, values(in)
		p, err := g.CheckCall(ctx, call)
		if err != nil {
			return nil, out, &jsonrpc.Error{Code: int64(err.(*auth.Refusal).Status), Message: err.Error()}
		}
		return h(auth.NewContext(ctx, p), r, in)
	})
}
