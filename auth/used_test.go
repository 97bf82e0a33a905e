package auth_test

import (
	"errors"
	"net/http"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
)

// Every entry of the guard records a use of a key that it lets pass, and of no other: 403 is a use, 401, 429 and 503
// are none.
func TestAUseIsARequestThatPassed(t *testing.T) {
	status := func(err error) int {
		if refusal, ok := errors.AsType[*auth.Refusal](err); ok {
			return refusal.Status
		}
		return 200
	}
	at := netip.MustParseAddr("192.0.2.1") // as httptest has it
	entries := []struct {
		name    string
		decides bool // about the permission, too
		limits  bool
		enter   func(w *world, key string) int
	}{
		{"Require", true, true, func(w *world, key string) int {
			return serve(w.guard.Require("content/posts/create", who), request("/", "api-key", key)).StatusCode
		}},
		{"Identify and Require", true, true, func(w *world, key string) int {
			return serve(w.guard.Identify(w.guard.Require("content/posts/create", who)), request("/", "api-key", key)).StatusCode
		}},
		{"Handler", false, true, func(w *world, key string) int {
			return serve(w.guard.Handler(who), request("/", "api-key", key)).StatusCode
		}},
		{"Check", false, true, func(w *world, key string) int {
			_, err := w.guard.Check(request("/", "api-key", key))
			return status(err)
		}},
		{"CheckCall", false, true, func(w *world, key string) int {
			_, err := w.guard.CheckCall(t.Context(), auth.Call{Header: http.Header{"Api-Key": {key}}, Peer: at})
			return status(err)
		}},
		{"CheckMessage", false, true, func(w *world, key string) int {
			_, err := w.guard.CheckMessage(request("/"), message("api-key", key))
			return status(err)
		}},
	}
	for _, c := range []struct {
		name   string
		status int // with a limit and a decision
		key    func(w *world, source *live, limited *bool) string
	}{
		{"allowed", 200, func(w *world, _ *live, _ *bool) string { return w.editor }},
		{"no permission", 403, func(w *world, _ *live, _ *bool) string { return w.ada }},
		{"another address", 401, func(w *world, _ *live, _ *bool) string {
			return w.custom(keys.Custom{Role: "editor", AllowedIPs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
		}},
		{"an inactive owner", 401, func(w *world, _ *live, _ *bool) string {
			w.users.set(auth.User{ID: "ada", Role: "editor"})
			return w.ada
		}},
		{"an owner who is gone", 401, func(w *world, _ *live, _ *bool) string { delete(w.users.rows, "ada"); return w.ada }},
		{"users fail", 503, func(w *world, _ *live, _ *bool) string { w.users.err = errDown; return w.ada }},
		{"no policy", 503, func(w *world, source *live, _ *bool) string {
			w.public.set("", nil) // which would need a policy
			source.policy = nil
			return w.editor
		}},
		{"too many requests", 429, func(w *world, _ *live, limited *bool) string { *limited = true; return w.editor }},
	} {
		for _, e := range entries {
			t.Run(c.name+"/"+e.name, func(t *testing.T) {
				source, limited := &live{}, false
				w := newWorld(t, func(config *auth.Config) {
					source.policy = config.Roles.Policy()
					config.Roles = source
					config.Limit = func(*http.Request, auth.Principal) (time.Duration, bool) { return time.Minute, !limited }
				})
				key := c.key(w, source, &limited)
				old := w.refreshed(key)
				want, used := c.status, c.status == 200 || c.status == 403
				switch {
				case !e.decides && (c.status == 403 || c.name == "no policy"):
					want = 200
				case !e.limits && c.status == 429:
					want, used = 200, true
				}
				require.Equal(t, want, e.enter(w, old.Key.Reveal()))
				rec, err := w.ring.Get(t.Context(), w.ids[key])
				require.NoError(t, err)
				require.Equal(t, used, !rec.LastUsedAt.IsZero(), "LastUsedAt")
				require.NoError(t, w.ring.Close(t.Context())) // waits for what is recorded
				rec, err = w.store.Get(t.Context(), "", w.ids[key])
				require.NoError(t, err)
				require.Equal(t, used, rec.Overlap == 0, "the overlap is counted from the first use")
			})
		}
	}
}

// refreshed returns the new value of a key whose old one lives on.
func (w *world) refreshed(key string) keys.Issued {
	w.t.Helper()
	issued, err := w.ring.Refresh(w.t.Context(), w.ids[key], keys.Renewal{Overlap: time.Hour})
	require.NoError(w.t, err)
	return issued
}

// A stream that is rechecked uses its key, as long as the answer is yes.
func TestRecheckIsAUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		lastUsed := func() time.Time {
			rec, err := w.ring.Get(t.Context(), w.ids[w.ada])
			require.NoError(t, err)
			return rec.LastUsedAt.Local()
		}
		serve(w.guard.Identify(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			require.True(t, time.Now().Truncate(time.Microsecond).Equal(lastUsed()))
			time.Sleep(time.Minute)
			_, err := auth.Recheck(r.Context())
			require.NoError(t, err)
			rechecked := lastUsed()
			require.True(t, time.Now().Truncate(time.Microsecond).Equal(rechecked))
			time.Sleep(time.Minute)
			w.users.set(auth.User{ID: "ada", Role: "viewer"})
			_, err = auth.Recheck(r.Context())
			require.Error(t, err)
			require.Equal(t, rechecked, lastUsed())
		})), request("/", "api-key", w.ada))
	})
}
