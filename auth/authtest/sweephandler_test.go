package authtest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/authtest"
)

// echo's and gin's patterns, behind a router that lists no handlers.
func TestSweepHandler(t *testing.T) {
	guard, _ := authtest.New(t, editor)
	mux := http.NewServeMux()
	guard.Handle(mux, "GET /api/{model}/{rest...}", "content/{model}/read", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a guarded handler ran") }))
	mux.Handle("GET /open/{id}", ok)
	handler := guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { mux.ServeHTTP(w, r) }))
	r := recorder{TB: t}
	routes := authtest.SweepHandler(&r, guard, handler, []string{"GET /api/:model/*rest", "GET /open/:id"})
	require.Equal(t, []auth.Route{{Pattern: "GET /api/:model/*rest", Permission: "content/{model}/read"}}, routes)
	require.Equal(t, []string{`authtest: "GET /open/:id" is not guarded`}, r.failures)
}
