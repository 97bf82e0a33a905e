package roles_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/roles"
)

// A node loads a mistake. The database is away, comes back from a backup of before, and another role is edited: the
// number is that of the mistake, and the tag is another one.
func TestDirectoryFollowsARestoredStore(t *testing.T) {
	for name, away := range map[string]time.Duration{
		"between two polls": 0, "away for three staleness times": 3 * staleness,
	} {
		t.Run(name, func(t *testing.T) {
			follow(t, roles.Config{}, func(t *testing.T, d *roles.Directory, store *faulty) {
				backup, _, err := store.Store.Load(t.Context())
				require.NoError(t, err)
				outside(t, store.Store, mayWrite("editor")) // the mistake
				require.NoError(t, d.Reload(t.Context()))
				require.True(t, d.Policy().Allows("editor", "write"))
				lost, err := store.Store.Revision(t.Context())
				require.NoError(t, err)

				store.set(down)
				time.Sleep(away)
				synctest.Wait()
				store.Store = roles.NewMemoryStore(backup...)
				outside(t, store.Store, mayRead("another"))
				now, err := store.Store.Revision(t.Context())
				require.NoError(t, err)
				require.Equal(t, lost.Number, now.Number)
				store.heal()

				time.Sleep(staleness)
				synctest.Wait()
				require.False(t, d.Policy().Allows("editor", "write"))
				require.True(t, d.Policy().Allows("editor", "read"))
				require.True(t, d.Policy().Allows("another", "read"))
				require.NoError(t, d.Err())

				// A change that was begun before the restore is not made after it.
				require.ErrorIs(t, store.Save(t.Context(), mayWrite("editor"), lost), roles.ErrConflict)
			})
		})
	}
}
