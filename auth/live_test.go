package auth_test

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// What changes while a handler runs: Allowed uses the current policy, Recheck verifies everything.
func TestChangesDuringALongRequest(t *testing.T) {
	source := &live{}
	w := newWorld(t, func(c *auth.Config) { source.policy = c.Roles.Policy(); c.Roles = source })
	during := func(key string, change func(r *http.Request)) (allowed, rechecked error) {
		var header []string
		if key != "" {
			header = []string{"api-key", key}
		}
		resp := serve(w.guard.Require("content/posts/read", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			require.NoError(t, auth.Allowed(r.Context(), "content/posts/read"))
			_, err := auth.Recheck(r.Context())
			require.NoError(t, err)
			change(r)
			allowed = auth.Allowed(r.Context(), "content/posts/read")
			_, rechecked = auth.Recheck(r.Context())
		})), request("/", header...))
		require.Equal(t, 200, resp.StatusCode)
		return allowed, rechecked
	}
	status := func(err error) int {
		if err == nil {
			return 200
		}
		refusal := err.(*auth.Refusal)
		return refusal.Status
	}

	allowed, rechecked := during(w.editor, func(*http.Request) { require.NoError(t, w.ring.Disable(t.Context(), w.ids[w.editor])) })
	require.Equal(t, []int{200, 401}, []int{status(allowed), status(rechecked)}, "a disabled key")
	require.NoError(t, w.ring.Enable(t.Context(), w.ids[w.editor]))

	allowed, rechecked = during(w.editor, func(*http.Request) { source.policy = roles.MustCompile(viewer) })
	require.Equal(t, []int{403, 200}, []int{status(allowed), status(rechecked)}, "a role that is gone")
	source.policy = w.policy

	allowed, rechecked = during(w.editor, func(*http.Request) { source.policy = nil })
	require.Equal(t, []int{503, 200}, []int{status(allowed), status(rechecked)}, "no current policy")
	source.policy = w.policy

	_, rechecked = during(w.ada, func(*http.Request) { w.users.set(auth.User{ID: "ada", Role: "viewer"}) })
	require.Equal(t, 401, status(rechecked), "a deactivated user")
	w.users.set(auth.User{ID: "ada", Role: "viewer", Active: true})

	_, rechecked = during(w.editor, func(*http.Request) {
		_, err := w.ring.Update(t.Context(), w.ids[w.editor], func(s *keys.Settings) error {
			s.AllowedIPs = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
			return nil
		})
		require.NoError(t, err)
	})
	require.Equal(t, 401, status(rechecked), "a peer that is no longer allowed")

	_, rechecked = during("", func(*http.Request) { w.public.set("", nil) })
	require.Equal(t, 401, status(rechecked), "a public API that was closed")
	w.public.set("viewer", nil)

	_, rechecked = during(w.ada, func(*http.Request) {
		_, err := w.ring.Refresh(t.Context(), w.ids[w.ada], keys.Renewal{})
		require.NoError(t, err)
	})
	require.Equal(t, 401, status(rechecked), "a refreshed key")
}

func TestWithoutAPrincipalNothingIsAllowed(t *testing.T) {
	require.Error(t, auth.Allowed(t.Context(), "content/posts/read"))
	_, err := auth.Recheck(t.Context())
	require.Error(t, err)
	_, ok := auth.PrincipalFrom(t.Context())
	require.False(t, ok)
	require.Equal(t, t.Context(), auth.NewContext(t.Context(), auth.Principal{}))
	var p auth.Principal
	require.Equal(t, auth.KindNone, p.Kind())
	require.Equal(t, "none", p.String())
	require.Equal(t, []any{auth.KindNone, "", "", "", "", false}, []any{p.Kind(), p.Role(), p.UserID(), p.Name(), p.KeyID(), p.Authenticated()})
}

func TestPrincipalsWithoutARequest(t *testing.T) {
	w := newWorld(t)
	ada, err := w.guard.PrincipalForUser(t.Context(), "ada")
	require.NoError(t, err)
	require.Equal(t, auth.KindSignedIn, ada.Kind())
	ctx := auth.NewContext(t.Context(), ada)
	require.NoError(t, auth.Allowed(ctx, "content/posts/read"))
	require.Error(t, auth.Allowed(ctx, "content/posts/create"))
	got, ok := auth.PrincipalFrom(ctx)
	require.True(t, ok)
	require.Equal(t, ada, got)

	job := auth.NewContext(t.Context(), w.guard.PrincipalForRole("editor"))
	require.NoError(t, auth.Allowed(job, "content/posts/create"))
	_, err = auth.Recheck(job)
	require.NoError(t, err)

	w.users.set(auth.User{ID: "ada"})
	_, err = w.guard.PrincipalForUser(t.Context(), "ada")
	require.Error(t, err)
	_, err = w.guard.PrincipalForUser(t.Context(), "eve")
	require.Error(t, err)
	_, err = auth.Recheck(ctx)
	require.Error(t, err)
}

// requireReason requires a refusal with this reason.
func requireReason(t *testing.T, want auth.Reason, err error) {
	t.Helper()
	var refusal *auth.Refusal
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, want, refusal.Reason)
}

func TestExplain(t *testing.T) {
	w := newWorld(t)
	narrowed := w.custom(keys.Custom{Name: "x", Role: "editor", Scopes: []string{"content/*/read"}})
	p, err := w.guard.Check(request("/", "api-key", narrowed))
	require.NoError(t, err)
	require.Equal(t, roles.Rights{Role: "editor", Scopes: []string{"content/*/read"}}, p.Rights())

	decision, scope, err := w.guard.Explain(p, "content/posts/read")
	require.NoError(t, err)
	require.Equal(t, "content/*/read", scope)
	require.Equal(t, "editor", decision.Role)
	require.Equal(t, "content/posts/read", decision.Grant)
	decision, _, err = w.guard.Explain(p, "content/posts/create")
	requireReason(t, auth.ReasonOutOfScope, err)
	require.True(t, decision.Allowed, "the role would")
	_, _, err = w.guard.Explain(p, "content/posts/delete")
	requireReason(t, auth.ReasonNotGranted, err)
	_, _, err = w.guard.Explain(p, "content//read")
	requireReason(t, auth.ReasonBadPermission, err)
}
