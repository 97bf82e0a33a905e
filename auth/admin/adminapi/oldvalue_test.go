package adminapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// TestAnOldValueManagesNothing uses the old value of a key that was refreshed with an overlap, also for what needs no
// permission.
func TestAnOldValueManagesNothing(t *testing.T) {
	w := newWorld(t, nil)
	for name, issued := range map[string]keys.Issued{"custom": w.custom(keys.Custom{Role: roles.Admin}), "user": w.userKey("root", keys.User{})} {
		t.Run(name, func(t *testing.T) {
			id := issued.Record.ID
			_, err := w.ring.Refresh(t.Context(), id, keys.Renewal{Overlap: time.Hour})
			require.NoError(t, err)
			old := credential(issued.Key.Reveal())
			for _, call := range []string{"GET /keys", "POST /keys/" + id + "/refresh", "GET /me/key", "GET /permissions"} {
				method, path, _ := strings.Cut(call, " ")
				r := w.expect(http.StatusForbidden, w.call(old, method, path, nil))
				if path != "/me/key" || issued.Record.Kind == keys.KindUser { // a custom key has no user, whatever its value
					require.Contains(t, r.string("detail"), "old value", call)
				}
			}
		})
	}
}
