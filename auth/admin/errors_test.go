package admin_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/auth/cockpit"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// A host's handlers answer any error of the library with Refuse. A store error is never a verdict, whatever it wraps.
func TestRefuseAnswersAnyError(t *testing.T) {
	errDisk := errors.New("disk /dev/sda1 is full")
	for _, c := range []struct {
		err    error
		status int
		like   int // Cockpit's status
	}{
		{keys.ErrNotFound, 404, 404},
		{fmt.Errorf("key 7: %w", keys.ErrNotFound), 404, 404},
		{keys.ErrExists, 409, 409},
		{keys.ErrConflict, 409, 409},
		{fmt.Errorf("%w: a secret scope", keys.ErrRefused), 400, 412},
		{roles.ErrNotFound, 404, 404},
		{roles.ErrConflict, 409, 409},
		{roles.ErrBudget, 422, 422},
		{publicapi.ErrConflict, 409, 409},
		{publicapi.ErrRole, 400, 412},
		{&publicapi.UnconfirmedError{}, 409, 409},
		{admin.ErrNotFound, 404, 404},
		{admin.ErrConflict, 409, 409},
		{admin.ErrChanged, 412, 412},
		{&admin.Error{Err: admin.ErrForbidden, Text: "the permission is missing", Missing: []string{"app/logs"}}, 403, 403},
		{&admin.Error{Err: admin.ErrInput, Field: "name", Text: "is missing"}, 400, 412},
		{&admin.Error{Err: admin.ErrConflict, Text: "the role is in use"}, 409, 409},
		{&auth.Refusal{Status: 429, Reason: auth.ReasonRateLimited}, 429, 429},
		{keys.ErrUnknown, 401, 412},
		{keys.ErrInvalidated, 401, 412}, // as a verdict of Verify
		{errDisk, 503, 503},
		{&roles.Problem{Role: "a b"}, 503, 503},
		{keys.ErrClosed, 503, 503},
		{fmt.Errorf("%w: %w", keys.ErrStore, keys.ErrNotFound), 503, 503},
	} {
		for profile, want := range map[string]int{"": c.status, "cockpit": c.like} {
			set := auth.Config{Keys: keys.NewRing(keys.NewMemoryStore()), Roles: roles.MustCompile()}
			if profile != "" {
				set.Profile = cockpit.Profile
			}
			guard, err := auth.New(set)
			require.NoError(t, err)
			w := httptest.NewRecorder()
			guard.Refuse(w, httptest.NewRequest(http.MethodGet, "/", nil), c.err)
			require.Equal(t, want, w.Code, "%v %s", c.err, profile)
			var body map[string]any
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body))
			require.NotEmpty(t, body["error"])
			require.NotContains(t, w.Body.String(), "secret")
			require.NotContains(t, w.Body.String(), "sda1")
		}
	}
}
