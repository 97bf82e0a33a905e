// Package authtest helps hosts test the handlers behind a guard: a guard that is ready to use, requests that act with
// a role without a key, and sweeps that find unguarded routes.
package authtest

import (
	"context"
	"net/http"
	"testing"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// New returns a guard over these roles with a ring in memory, closed to callers without a key and without
// users, and the ring to issue keys with. The ring is closed when the test ends.
func New(t testing.TB, rs ...roles.Role) (*auth.Guard, *keys.Ring) {
	t.Helper()
	policy, err := roles.Compile(rs...)
	if err != nil {
		t.Fatalf("authtest: %v", err)
	}
	ring := keys.NewRing(keys.NewMemoryStore())
	t.Cleanup(func() {
		if err := ring.Close(context.Background()); err != nil {
			t.Errorf("authtest: closing the ring: %v", err)
		}
	})
	guard, err := auth.New(auth.Config{Keys: ring, Roles: policy})
	if err != nil {
		t.Fatalf("authtest: %v", err)
	}
	return guard, ring
}

// As returns r as a handler behind the guard sees it, sent by a caller with this role. The guard does not read r's
// headers again.
func As(t testing.TB, guard *auth.Guard, r *http.Request, role string) *http.Request {
	t.Helper()
	if role != roles.Admin && !roles.ValidAppID(role) {
		t.Fatalf("authtest: %q is not an appid", role)
	}
	return r.WithContext(auth.NewContext(r.Context(), guard.PrincipalForRole(role)))
}
