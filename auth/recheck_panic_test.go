package auth_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// hostCode is code of the host that panics on demand.
type hostCode struct {
	panics atomic.Bool
	policy *roles.Policy
}

func (h *hostCode) check() {
	if h.panics.Load() {
		panic("a mistake of the host")
	}
}

func (h *hostCode) Policy() *roles.Policy { h.check(); return h.policy }

func (h *hostCode) PublicRole(context.Context) (string, error) { h.check(); return "visitor", nil }

func (h *hostCode) User(context.Context, string) (auth.User, error) {
	h.check()
	return auth.User{ID: "ada", Role: "visitor", Active: true}, nil
}

func (h *hostCode) clientAddr(*http.Request) netip.Addr {
	h.check()
	return netip.MustParseAddr("10.0.0.1")
}

// A panic of the host's code is an error of Recheck: no stream goes on because of it.
func TestRecheckAfterAPanic(t *testing.T) {
	host := &hostCode{policy: roles.MustCompile(roles.Role{AppID: "visitor", Permissions: roles.Grants{"read": true}})}
	ring := keys.NewRing(keys.NewMemoryStore())
	defer ring.Close(context.Background())
	signedIn := func(r *http.Request) (string, error) { return r.Header.Get("User"), nil }
	guard, err := auth.New(auth.Config{Keys: ring, Roles: host, Anonymous: host, Users: host, SignedIn: signedIn,
		ClientAddr: host.clientAddr})
	require.NoError(t, err)
	issued, err := ring.IssueCustom(t.Context(), keys.Custom{Role: "visitor", AllowedIPs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	require.NoError(t, err)
	for _, user := range []string{"", "ada", "a key"} {
		host.panics.Store(false)
		var before, after error
		var principal auth.Principal
		h := guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, before = auth.Recheck(r.Context())
			host.panics.Store(true)
			principal, after = auth.Recheck(r.Context())
			host.panics.Store(false)
		}))
		r := httptest.NewRequest("GET", "/", nil)
		if user == "a key" {
			r.Header.Set("api-key", issued.Key.Reveal())
		} else {
			r.Header.Set("User", user)
		}
		h.ServeHTTP(httptest.NewRecorder(), r)
		require.NoError(t, before, user)
		var refusal *auth.Refusal
		require.ErrorAs(t, after, &refusal, user)
		require.GreaterOrEqual(t, refusal.Status, http.StatusInternalServerError, user)
		require.Equal(t, auth.Principal{}, principal, user)
	}
}
