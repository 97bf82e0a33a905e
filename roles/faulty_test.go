package roles_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/roles"
)

// A faulty store does what a test asks of it before it does what its store does.
type faulty struct {
	roles.Store
	before atomic.Pointer[func(ctx context.Context, method string) error]
	calls  atomic.Int64
}

func (f *faulty) set(before func(ctx context.Context, method string) error) { f.before.Store(&before) }

func (f *faulty) heal() { f.before.Store(nil) }

func (f *faulty) meet(ctx context.Context, method string) error {
	f.calls.Add(1)
	if before := f.before.Load(); before != nil {
		return (*before)(ctx, method)
	}
	return nil
}

func (f *faulty) Load(ctx context.Context) ([]roles.Role, roles.Revision, error) {
	if err := f.meet(ctx, "Load"); err != nil {
		return nil, roles.Revision{}, err
	}
	return f.Store.Load(ctx)
}

func (f *faulty) Revision(ctx context.Context) (roles.Revision, error) {
	if err := f.meet(ctx, "Revision"); err != nil {
		return roles.Revision{}, err
	}
	return f.Store.Revision(ctx)
}

func (f *faulty) Save(ctx context.Context, role roles.Role, revision roles.Revision) error {
	if err := f.meet(ctx, "Save"); err != nil {
		return err
	}
	return f.Store.Save(ctx, role, revision)
}

func (f *faulty) Delete(ctx context.Context, appid string, revision roles.Revision) error {
	if err := f.meet(ctx, "Delete"); err != nil {
		return err
	}
	return f.Store.Delete(ctx, appid, revision)
}

var errDown = errors.New("store is down")

func down(context.Context, string) error { return errDown }

func mayRead(appid string) roles.Role {
	return roles.Role{AppID: appid, Permissions: roles.Grants{"read": true}}
}

func mayWrite(appid string) roles.Role {
	return roles.Role{AppID: appid, Permissions: roles.Grants{"write": true}}
}

// outside saves as another process would: not through the directory.
func outside(t *testing.T, s roles.Store, role roles.Role) {
	_, revision, err := s.Load(t.Context())
	require.NoError(t, err)
	require.NoError(t, s.Save(t.Context(), role, revision))
}

// follow opens a directory in a bubble of fake time and runs f there.
func follow(t *testing.T, c roles.Config, f func(t *testing.T, d *roles.Directory, store *faulty)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		store := &faulty{Store: roles.NewMemoryStore(mayRead("editor"))}
		c.Store = store
		d, err := roles.Open(t.Context(), c)
		require.NoError(t, err)
		f(t, d, store)
		require.NoError(t, d.Close(context.Background()))
		require.Nil(t, d.Policy(), "a closed directory vouches for nothing")
		require.Error(t, d.Err())
		require.NoError(t, d.Close(context.Background()), "closing again")
		require.Error(t, d.Save(context.Background(), mayWrite("late")))
		require.Error(t, d.Reload(context.Background()))
		require.Nil(t, d.Policy())
	})
}

// staleness is what Config.Staleness is without one.
const staleness = 5 * time.Second
