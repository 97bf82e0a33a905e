package admin_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/keys"
)

// A listedStore fails the test if keys are listed within a transaction, in which all other changes wait.
type listedStore struct {
	keys.Store
	t      *testing.T
	within *atomic.Bool
}

func (l listedStore) List(ctx context.Context, space string, f keys.Filter) ([]keys.Record, error) {
	require.False(l.t, l.within.Load(), "keys are listed within a transaction")
	return l.Store.List(ctx, space, f)
}

// listedUsers is the same for users.
type listedUsers struct {
	admin.Users
	t      *testing.T
	within *atomic.Bool
}

func (l listedUsers) List(ctx context.Context, f admin.UserFilter) ([]auth.User, error) {
	require.False(l.t, l.within.Load(), "users are listed within a transaction")
	return l.Users.List(ctx, f)
}

// TestNoTransactionGoesThroughManyRecords does what concerns many keys or users at once.
func TestNoTransactionGoesThroughManyRecords(t *testing.T) {
	var within atomic.Bool
	w := newWorld(t, func(store keys.Store) keys.Store { return listedStore{store, t, &within} },
		func(c *admin.Config) {
			c.Users = listedUsers{c.Users, t, &within}
			c.InTx = func(ctx context.Context, f func(context.Context) error) error {
				within.Store(true)
				defer within.Store(false)
				return f(ctx)
			}
		})
	id := w.custom(keys.Custom{Role: "viewer"}).Record.ID
	other, err := w.ring.In("acme").IssueCustom(t.Context(), keys.Custom{Role: "viewer"})
	require.NoError(t, err)
	bobs := w.userKey("bob", keys.User{}).Record

	_, err = w.service.InvalidateUserKeys(t.Context(), w.root(), "bob", "another revision")
	require.ErrorIs(t, err, admin.ErrChanged)
	_, err = w.service.InvalidateUserKeys(t.Context(), w.root(), "ada", "a revision of no key")
	require.ErrorIs(t, err, admin.ErrChanged)
	n, err := w.service.InvalidateUserKeys(t.Context(), w.root(), "bob", admin.Revision(&bobs))
	require.NoError(t, err)
	require.Equal(t, 1, n)

	var changes []keys.Change
	defer w.ring.Watch(func(c keys.Change) { changes = append(changes, c) })()
	var used *admin.Error
	require.ErrorAs(t, w.service.DeleteRole(t.Context(), w.root(), "viewer", admin.Confirmation{}), &used)
	require.Equal(t, 1, used.Usage.KeyCount, "the usage tells of this space")
	require.Equal(t, 1, used.Usage.UserCount)
	require.NoError(t, w.service.DeleteRole(t.Context(), w.root(), "viewer", admin.Confirmation{Token: used.Usage.Confirm}))
	require.Equal(t, []keys.Change{{What: "role dropped"}}, changes)
	for _, key := range []keys.Record{{ID: id}, {ID: other.Record.ID, Space: "acme"}} {
		got, err := w.ring.In(key.Space).Get(t.Context(), key.ID)
		require.NoError(t, err)
		require.Empty(t, got.Role)
	}
	record := w.records()[0]
	require.Equal(t, "role.delete", record.Action)
	require.EqualValues(t, 2, record.Before["keys"], "the keys of all spaces")
}
