package auth_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
)

// What a handler refuses by itself is the event of its request, once, and one for each part of the answer.
func TestReport(t *testing.T) {
	var heard []auth.Event
	w := newWorld(t, func(c *auth.Config) {
		c.Observe = func(_ context.Context, e auth.Event) {
			if heard = append(heard, e); e.Route == "panics" {
				panic(e.Route)
			}
		}
	})
	denied := &auth.Refusal{Status: http.StatusForbidden, Reason: auth.ReasonNotGranted, Missing: "content/drafts/read"}
	report := func(places ...string) (all []auth.Event) {
		heard = nil
		serve(w.guard.Identify(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			for _, place := range places {
				w.guard.Report(r, place, denied)
			}
		})), request("/graphql", "api-key", w.ada))
		return heard
	}
	for _, e := range report("Post.draft", "Post.draft") {
		if e.Outcome == auth.OutcomePassed {
			continue // the request itself goes on
		}
		require.Equal(t, []any{auth.OutcomeRefused, 403, auth.ReasonNotGranted, "content/drafts/read", "Post.draft", "", "ada", w.ids[w.ada]},
			[]any{e.Outcome, e.Status, e.Reason, e.Permission, e.Route, e.Path, e.UserID, e.KeyID})
	}
	require.Len(t, heard, 3)
	require.Equal(t, []string{"", "Post.draft"}, []string{report("", "Post.draft", "")[0].Route, heard[1].Route})
	require.Len(t, heard, 2, "the request is refused once, and has not passed")
	require.Len(t, report("panics"), 2)
}
