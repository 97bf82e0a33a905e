package auth_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
)

// A route that has no value for a {name} of its permission is the host's mistake. The answer names the value, and the
// observer hears what to do.
func TestARouteWithoutAPathValueIsTheHostsMistake(t *testing.T) {
	var heard auth.Event
	w := newWorld(t, observeInto(&heard))
	guarded := w.guard.Require("content/{model}/read", who)
	outside := w.guard.Identify(guarded) // around the mux, where no route has matched yet
	misnamed, other := http.NewServeMux(), http.NewServeMux()
	misnamed.Handle("GET /api/{collection}", guarded)
	other.Handle("GET /api/{models}", w.guard.Middleware("content/{model}/read")(who))
	for _, h := range []http.Handler{guarded, outside, misnamed, other, w.guard.Identify(misnamed)} {
		for _, header := range [][]string{nil, {"api-key", w.editor}, {"api-key", w.ada}} {
			resp := serve(h, request("/api/posts", header...))
			require.Equal(t, 500, resp.StatusCode)
			require.Equal(t, []any{auth.OutcomeRefused, auth.ReasonNoPathValue, "content/{model}/read"}, []any{heard.Outcome, heard.Reason, heard.Permission})
			require.ErrorContains(t, heard.Err, `permission "content/{model}/read": the router has no path value "model": write {model} in the route's pattern, or set Config.PathValue`)
			var problem map[string]any
			require.NoError(t, json.Unmarshal([]byte(body(t, resp)), &problem))
			require.Equal(t, "The permission of this route needs the path value model, and the router has none. "+
				"Write {model} in the route's pattern, or set Config.PathValue of package auth.", problem["detail"])
			require.NotContains(t, problem, "permission")
		}
	}

	w.public.set("", nil)
	resp := serve(guarded, request("/api/posts"))
	require.Equal(t, 401, resp.StatusCode, "a caller who has to send a key first learns nothing")
	require.NotContains(t, body(t, resp), "model")
}

// A client that sends an empty segment makes no mistake of the host's.
func TestAnEmptySegmentIsNotTheHostsMistake(t *testing.T) {
	var heard auth.Event
	w := newWorld(t, observeInto(&heard))
	mux := http.NewServeMux()
	mux.Handle("GET /files/{path...}", w.guard.Require("content/{path}/read", who))
	require.Equal(t, 403, serve(w.guard.Identify(mux), request("/files/", "api-key", w.editor)).StatusCode)
	require.Equal(t, auth.ReasonBadPermission, heard.Reason)

	r := request("/api//items", "api-key", w.editor)
	r.Pattern = "/api/{model:[a-z]*}/items" // as chi writes it
	require.Equal(t, 403, serve(w.guard.Require("content/{model}/read", who), r).StatusCode)
	require.Equal(t, auth.ReasonBadPermission, heard.Reason)
}

// One of several permissions that can't be filled does not take the others away, and is told before what is missing.
func TestRequireAnyGoesOnAfterAMistake(t *testing.T) {
	var heard auth.Event
	w := newWorld(t, observeInto(&heard))
	for _, permissions := range [][]string{
		{"content/{model}/create", "content/posts/create"}, {"content/posts/create", "content/{model}/create"},
	} {
		h := w.guard.RequireAny(permissions, who)
		require.Equal(t, 200, serve(h, request("/", "api-key", w.editor)).StatusCode)
		require.Equal(t, 500, serve(h, request("/", "api-key", w.ada)).StatusCode)
		require.Equal(t, auth.ReasonNoPathValue, heard.Reason)
	}
}
