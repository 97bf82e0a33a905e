package auth_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/roles"
)

func TestFollowStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStreaming(t)
		p, err := s.guard.Check(request("/", "api-key", s.editor))
		require.NoError(t, err)
		outer, cancel := context.WithCancel(auth.NewContext(t.Context(), p))
		ctx, stop := auth.Follow(outer)
		require.Equal(t, 1, s.public.count())
		stop()
		stop()
		require.Equal(t, context.Canceled.Error(), ended(ctx))
		require.Zero(t, s.public.count(), "it watches no more")

		ctx, stop = auth.Follow(outer)
		defer stop()
		cancel()
		require.Equal(t, context.Canceled.Error(), ended(ctx))
		require.Zero(t, s.public.count(), "with the request")
	})
}

// Inside the stream the caller is the one of the last check.
func TestFollowCarriesTheCurrentCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStreaming(t)
		ctx := follow(t, s.guard, s.ada)
		require.NoError(t, auth.Allowed(ctx, "content/posts/read"))
		require.Error(t, auth.Allowed(ctx, "content/posts/create"))
		s.users.set(auth.User{ID: "ada", Role: "editor", Active: true})
		s.cache.Forget("ada")
		synctest.Wait()
		require.NoError(t, auth.Allowed(ctx, "content/posts/create"))
		p, ok := s.guard.PrincipalFrom(ctx)
		require.True(t, ok)
		require.Equal(t, "editor", p.Role())
		require.NoError(t, s.roles.Save(t.Context(), roles.Role{AppID: "editor"}))
		require.Error(t, auth.Allowed(ctx, "content/posts/create"), "a role edit acts at once")

		inner, stop := auth.Follow(context.WithValue(ctx, contextKey{}, 1))
		defer stop()
		require.Equal(t, 1, inner.Value(contextKey{}))
		_, ok = newWorld(t).guard.PrincipalFrom(inner)
		require.False(t, ok, "another guard")
	})
}

// The host's own sign-in and the host's own jobs are followed too.
func TestFollowWithoutAKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStreaming(t)
		ada, err := s.guard.PrincipalForUser(t.Context(), "ada")
		require.NoError(t, err)
		user, stopUser := auth.Follow(auth.NewContext(t.Context(), ada))
		defer stopUser()
		job, stopJob := auth.Follow(auth.NewContext(t.Context(), s.guard.PrincipalForRole("editor")))
		defer stopJob()
		plain, stopPlain := auth.Follow(auth.NewContext(t.Context(), s.guard.PrincipalForRole("")))
		defer stopPlain()
		time.Sleep(time.Hour)
		require.Empty(t, ended(user)+ended(job)+ended(plain))
		s.users.set(auth.User{ID: "ada", Role: "viewer"})
		s.cache.Forget("ada")
		require.NoError(t, s.roles.Delete(t.Context(), "editor"))
		require.Equal(t, "401 inactive_owner", ended(user))
		require.Equal(t, "403 no_role", ended(job))
		require.Empty(t, ended(plain), "it had no role to lose")
	})
}

// A gate inside a followed request adds no second event.
func TestFollowKeepsOneEventARequest(t *testing.T) {
	var events []auth.Event
	w := newWorld(t, func(c *auth.Config) {
		c.Observe = func(_ context.Context, e auth.Event) { events = append(events, e) }
	})
	inner := w.guard.Require("content/posts/read", who)
	serve(w.guard.Require("content/posts/read", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		ctx, stop := auth.Follow(r.Context())
		defer stop()
		inner.ServeHTTP(rw, r.WithContext(ctx))
	})), request("/", "api-key", w.editor))
	require.Len(t, events, 1)
}

func TestFollowPrintsNoKey(t *testing.T) {
	w := newWorld(t)
	ctx := follow(t, w.guard, w.editor)
	requireSilent(t, []string{w.editor}, around(ctx)...)
}
