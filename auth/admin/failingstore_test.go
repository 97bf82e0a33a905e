package admin_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// failingKeys is a store whose methods fail while their errors are set.
type failingKeys struct {
	keys.Store
	get, list, drop error
}

func (f *failingKeys) Get(ctx context.Context, space, id string) (keys.Record, error) {
	if f.get != nil {
		return keys.Record{}, f.get
	}
	return f.Store.Get(ctx, space, id)
}

func (f *failingKeys) List(ctx context.Context, space string, filter keys.Filter) ([]keys.Record, error) {
	if f.list != nil {
		return nil, f.list
	}
	return f.Store.List(ctx, space, filter)
}

func (f *failingKeys) DropRole(ctx context.Context, role string) (int, error) {
	if f.drop != nil {
		return 0, f.drop
	}
	return f.Store.DropRole(ctx, role)
}

func newFailingWorld(t *testing.T) (*world, *failingKeys) {
	store := &failingKeys{}
	return newWorld(t, func(inner keys.Store) keys.Store { store.Store = inner; return store }), store
}

// If the store cannot read the caller's own key, that is the store's error. Only a key that is not there is gone.
func TestTheCallersKeyCannotBeRead(t *testing.T) {
	w, store := newFailingWorld(t)
	by := w.holder(w.custom(keys.Custom{Role: "keeper"}))
	create := func() error {
		_, err := w.service.CreateKey(t.Context(), by, keys.Custom{Role: "viewer"})
		return err
	}
	require.NoError(t, create())
	var refusal *auth.Refusal
	store.get = errDisk
	err := create()
	require.ErrorIs(t, err, errDisk)
	require.NotErrorAs(t, err, &refusal)
	store.get = fmt.Errorf("row: %w", keys.ErrNotFound)
	require.ErrorAs(t, create(), &refusal)
	require.Equal(t, 401, refusal.Status)
}

// A role stays if the keys that have it cannot lose it: later a role of the same name would give them its rights.
func TestARoleStaysIfItsKeysCannotLoseIt(t *testing.T) {
	w, store := newFailingWorld(t)
	store.drop = errDisk
	require.ErrorIs(t, w.service.DeleteRole(t.Context(), w.root(), "rolemaker", admin.Confirmation{}), errDisk)
	require.True(t, w.roles.Policy().Has("rolemaker"))
	store.drop = nil
	require.NoError(t, w.service.DeleteRole(t.Context(), w.root(), "rolemaker", admin.Confirmation{}))
}

// A user's key that cannot be read has not changed.
func TestAUsersKeysCannotBeRead(t *testing.T) {
	w, store := newFailingWorld(t)
	issued := w.userKey("ada", keys.User{})
	match := admin.Revision(&issued.Record)
	store.list = errDisk
	_, err := w.service.InvalidateUserKeys(t.Context(), w.root(), "ada", match)
	require.ErrorIs(t, err, errDisk)
	require.NotErrorIs(t, err, admin.ErrChanged)
	store.list = nil
	n, err := w.service.InvalidateUserKeys(t.Context(), w.root(), "ada", match)
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

// Roles can be saved without a public API.
func TestRolesWithoutAPublicAPI(t *testing.T) {
	w := newWorld(t, nil, func(c *admin.Config) { c.Public = nil })
	require.NoError(t, w.service.CreateRole(t.Context(), w.root(), roles.Role{AppID: "x"}))
}

// A page has as many keys as were asked for.
func TestAPageOfOneKey(t *testing.T) {
	w := newWorld(t, nil)
	w.custom(keys.Custom{Name: "a"})
	w.custom(keys.Custom{Name: "b"})
	page, next, err := w.service.Keys(t.Context(), w.root(), keys.Filter{Limit: 1}, "")
	require.NoError(t, err)
	require.Len(t, page, 1)
	require.NotEmpty(t, next)
}

// A key that is refreshed while an edit is being made keeps its new generation, and the edit is refused.
func TestAnEditMeetsARefresh(t *testing.T) {
	w := newWorld(t, nil)
	issued := w.custom(keys.Custom{Name: "a"})
	_, err := w.service.UpdateKey(t.Context(), w.root(), issued.Record.ID, "", func(s *keys.Settings) error {
		s.Name = "b"
		_, err := w.ring.Refresh(t.Context(), issued.Record.ID, keys.Renewal{})
		return err
	})
	require.Error(t, err)
	rec, err := w.ring.Get(t.Context(), issued.Record.ID)
	require.NoError(t, err)
	require.Equal(t, "a", rec.Name)
}

// While the stored roles can't be read, the public API is not changed.
func TestThePublicAPINeedsTheRoles(t *testing.T) {
	w := newWorld(t, nil)
	require.NoError(t, w.open(w.root(), "viewer"))
	now, err := w.rows.Revision(t.Context())
	require.NoError(t, err)
	require.NoError(t, w.rows.Save(t.Context(), roles.Role{AppID: "a b"}, now))
	_, err = w.service.ClosePublic(t.Context(), w.root(), "")
	require.ErrorContains(t, err, "a b")
	setting, err := w.public.Current(t.Context())
	require.NoError(t, err)
	require.Equal(t, "viewer", setting.Role)
}
