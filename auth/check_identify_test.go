package auth_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// Behind Identify, Check still refuses a caller without a credential while the public API is closed.
func TestCheckBehindIdentifyWithoutACredential(t *testing.T) {
	ring := keys.NewRing(keys.NewMemoryStore())
	defer ring.Close(context.Background())
	guard, err := auth.New(auth.Config{Keys: ring, Roles: roles.MustCompile(roles.Role{AppID: "editor"})})
	require.NoError(t, err)
	called := false
	guard.Identify(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		called = true
		p, err := guard.Check(r)
		var refusal *auth.Refusal
		require.ErrorAs(t, err, &refusal)
		require.Equal(t, http.StatusUnauthorized, refusal.Status)
		require.Equal(t, auth.Principal{}, p)
	})).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	require.True(t, called)
}

// The observer hears of a refusal by Check as one.
func TestCheckReportsItsRefusal(t *testing.T) {
	ring := keys.NewRing(keys.NewMemoryStore())
	defer ring.Close(context.Background())
	var events []auth.Event
	guard, err := auth.New(auth.Config{Keys: ring, Roles: roles.MustCompile(roles.Role{AppID: "editor"}),
		Observe: func(_ context.Context, e auth.Event) { events = append(events, e) }})
	require.NoError(t, err)
	_, err = guard.Check(httptest.NewRequest("GET", "/", nil))
	require.Error(t, err)
	require.Len(t, events, 1)
	require.Equal(t, auth.OutcomeRefused, events[0].Outcome)
}
