package adminapi_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/keys"
)

func TestARefusalNamesAllThatIsMissing(t *testing.T) {
	w := newWorld(t, nil)
	narrow := credential(w.custom(keys.Custom{Role: "admin", Scopes: []string{admin.ManageAPI}}).Key.Reveal())
	r := w.expect(403, w.call(narrow, "POST", "/keys", map[string]any{"name": "x", "role": "editor"}))
	require.Equal(t, []any{"content/posts/create", "content/posts/read"}, r.body["missing"])
	require.Equal(t, "content/posts/create", r.string("permission"))
	require.Equal(t, "Permission denied", r.string("error"))
	require.Contains(t, r.string("detail"), "you can't grant more access than you have")
	require.Equal(t, "application/problem+json", r.header.Get("Content-Type"))
	require.Contains(t, w.heard.String(), `"permission":"content/posts/create"`, "the guard's observer hears of it")

	ends := credential(w.custom(keys.Custom{Role: "admin", ExpiresAt: in(time.Hour)}).Key.Reveal())
	r = w.expect(403, w.call(ends, "POST", "/keys", map[string]any{"name": "x", "role": "editor", "ttl": 7200}))
	require.Contains(t, r.string("detail"), "ends no later than that key")
	require.NotContains(t, r.text, "missing")
}

// TestSpacesNeverMeet has the administrator of one tenant reach for the keys of another.
func TestSpacesNeverMeet(t *testing.T) {
	w := newWorld(t, nil)
	ctx, other := t.Context(), w.ring.In("other")
	issued, err := other.IssueCustom(ctx, keys.Custom{Name: "Theirs", Role: "editor"})
	require.NoError(t, err)
	owned, err := other.IssueUser(ctx, "ada", keys.User{})
	require.NoError(t, err)
	w.expect(401, w.call(credential(issued.Key.Reveal()), "GET", "/keys", nil))
	for _, id := range []string{issued.Record.ID, owned.Record.ID} {
		for _, call := range []string{"GET ", "PATCH ", "DELETE ", "POST /refresh", "POST /disable", "POST /enable", "POST /invalidate"} {
			method, what, _ := strings.Cut(call, " ")
			var body any
			if method == "PATCH" {
				body = map[string]any{"name": "mine"}
			}
			w.expect(404, w.call(root, method, "/keys/"+id+what, body))
		}
		for _, kind := range []string{"user", "custom"} { // an ID of theirs as a cursor
			w.expect(200, w.call(root, "GET", "/keys?kind="+kind+"&after="+id, nil))
			require.Empty(t, w.call(root, "GET", "/keys?kind="+kind+"&q=theirs", nil).items())
		}
	}
	w.expect(404, w.call(root, "GET", "/users/ada/key", nil))
	w.expect(204, w.call(root, "DELETE", "/users/ada/key", nil))
	for _, value := range []keys.Issued{issued, owned} {
		_, err := other.Verify(ctx, value.Key.Reveal())
		require.NoError(t, err)
	}
	require.Empty(t, w.records())
}
