package admin_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// entangled returns n patterns of 14 segments below "content", which are costly to compare.
func entangled(seed uint64, n int) []string {
	random := rand.New(rand.NewPCG(seed, 1))
	var all []string
	for len(all) < n {
		pattern := []string{"content"}
		for range 14 {
			segment := "*"
			if random.IntN(3) == 0 {
				segment = string("abc"[random.IntN(3)])
			}
			pattern = append(pattern, segment)
		}
		all = append(all, strings.Join(pattern, "/"))
	}
	return all
}

// TestWhatIsTooComplexIsRefused asks for a key whose access takes too long to compare with the caller's.
func TestWhatIsTooComplexIsRefused(t *testing.T) {
	w := newWorld(t, nil)
	grants := roles.Grants{admin.ManageAPI: true}
	for _, pattern := range entangled(1, 12) {
		grants[pattern] = true
	}
	require.NoError(t, w.service.CreateRole(t.Context(), w.root(), roles.Role{AppID: "odd", Permissions: grants}))
	costly := keys.Custom{Name: "Costly", Role: roles.Admin, Scopes: entangled(2, 64)}

	began := time.Now()
	_, err := w.service.CreateKey(t.Context(), w.as("odd"), costly)
	require.ErrorIs(t, err, admin.ErrTooComplex)
	require.Less(t, time.Since(began), 10*time.Second)
	list, err := w.ring.List(t.Context(), keys.Filter{})
	require.NoError(t, err)
	require.Empty(t, list, "nothing was written")

	issued := w.custom(keys.Custom{Name: "odd", Role: "odd"})
	refused := w.call(credential(issued.Key.Reveal()), "POST", "/keys", map[string]any{"name": "Costly", "role": "admin", "scopes": costly.Scopes})
	w.expect(422, refused)
	require.Contains(t, refused.string("detail"), "Use fewer or simpler patterns")

	_, err = w.service.CreateKey(t.Context(), w.root(), costly)
	require.NoError(t, err, "an administrator is never refused for the cost of a check")
}

// TestAnOperationStartsAgainThreeTimes changes a key between the checks and the transaction, each time.
func TestAnOperationStartsAgainThreeTimes(t *testing.T) {
	w := newWorld(t, nil)
	id, edits := w.custom(keys.Custom{Role: "viewer"}).Record.ID, 0
	_, err := w.service.UpdateKey(t.Context(), w.as("keeper"), id, "", func(s *keys.Settings) error {
		edits++
		_, err := w.ring.Update(t.Context(), id, func(s *keys.Settings) error {
			s.Scopes = []string{"content/posts/read", "content/posts/" + strings.Repeat("x", edits)}
			return nil
		})
		require.NoError(t, err)
		s.Name = "Mine"
		return nil
	})
	require.ErrorIs(t, err, admin.ErrConflict)
	require.Equal(t, 3, edits)
	rec, err := w.ring.Get(t.Context(), id)
	require.NoError(t, err)
	require.Empty(t, rec.Name)
}
