package graphqlauth_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/roles"
)

// perItem is what one more item of a list allocates when field is asked of it.
func perItem(t *testing.T, door http.Handler, key, field string) float64 {
	t.Helper()
	list := func(n string) float64 {
		body := `{"query":"{users(n:` + n + `){` + field + `}}"}`
		return testing.AllocsPerRun(10, func() {
			r := httptest.NewRequest("POST", "/graphql", strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Api-Key", key)
			w := httptest.NewRecorder()
			door.ServeHTTP(w, r)
			if w.Code != 200 || strings.Contains(w.Body.String(), "errors") {
				t.Fatal(w.Code, w.Body.String())
			}
		})
	}
	return (list("1000") - list("100")) / 900
}

// The extension and its hooks allocate nothing per item of a list: neither where no hook is called, as with
// skip_runtime, nor with @can, for which gqlgen itself needs one to hand the hook its argument.
func TestAllocationsPerItem(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	ours := newSite(t, siteOptions{})
	bare := newSite(t, siteOptions{bare: true, directives: passThrough()})
	key := func(s *site) string { return s.keys[roles.Admin] }
	id, email := perItem(t, ours.door, key(ours), "id"), perItem(t, ours.door, key(ours), "email")
	bareID, bareEmail := perItem(t, bare.door, key(bare), "id"), perItem(t, bare.door, key(bare), "email")
	t.Logf("per item: %.2f without a hook (gqlgen alone %.2f), %.2f with @can (gqlgen alone %.2f)", id, bareID, email, bareEmail)
	const slack = 0.1 // buffers that grow
	require.InDelta(t, bareID, id, slack)
	require.InDelta(t, bareEmail, email, slack)
}
