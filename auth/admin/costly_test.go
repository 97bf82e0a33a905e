package admin_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
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
	require.ErrorIs(t, err, roles.ErrBudget)
	require.Less(t, time.Since(began), 10*time.Second)
	list, err := w.ring.List(t.Context(), keys.Filter{})
	require.NoError(t, err)
	require.Empty(t, list, "nothing was written")

	_, err = w.service.CreateKey(t.Context(), w.root(), costly)
	require.NoError(t, err, "an administrator is never refused for the cost of a check")
}

// TestRolesThatKeepChanging has another node save a role before each transaction. What depends on the first pass starts
// again, three times in all. Key management goes on: it needs no costly answer.
func TestRolesThatKeepChanging(t *testing.T) {
	var w *world
	tries := 0
	w = newWorld(t, nil, func(c *admin.Config) {
		c.InTx = func(ctx context.Context, f func(context.Context) error) error {
			tries++
			_, revision, err := w.rows.Load(ctx)
			if err == nil {
				err = w.rows.Save(ctx, roles.Role{AppID: "other", Info: fmt.Sprint(tries)}, revision)
			}
			if err != nil {
				return err
			}
			return f(ctx)
		}
	})
	err := w.service.UpdateRole(t.Context(), w.root(), roles.Role{AppID: "viewer", Info: "new"}, admin.Confirmation{})
	require.ErrorIs(t, err, admin.ErrConflict)
	require.Equal(t, 3, tries)

	id := w.custom(keys.Custom{Role: "viewer"}).Record.ID
	for _, by := range []auth.Principal{w.root(), w.as("keeper")} {
		for what, do := range map[string]func() error{
			"create": func() error {
				_, err := w.service.CreateKey(t.Context(), by, keys.Custom{Name: "New", Role: "viewer"})
				return err
			},
			"refresh": func() error { _, err := w.service.RefreshKey(t.Context(), by, id, "", keys.Renewal{}); return err },
			"disable": func() error { _, err := w.service.SetKeyState(t.Context(), by, id, "", keys.StateDisabled); return err },
			"enable":  func() error { _, err := w.service.SetKeyState(t.Context(), by, id, "", keys.StateActive); return err },
			"invalidate": func() error {
				_, err := w.service.SetKeyState(t.Context(), by, w.custom(keys.Custom{}).Record.ID, "", keys.StateInvalidated)
				return err
			},
		} {
			tries = 0
			require.NoError(t, do(), what)
			require.Equal(t, 1, tries, what)
		}
	}
}
