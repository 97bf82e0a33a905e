package keys_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

var ctx = context.Background()

// foreign hides a *MemoryStore from the ring, which then uses it like a host's store.
type foreign struct{ keys.Store }

// onBoth runs a test on both paths of a ring: the inline one and the one through the Store interface.
func onBoth(t *testing.T, test func(*testing.T, keys.Store)) {
	t.Run("memory", func(t *testing.T) { test(t, keys.NewMemoryStore()) })
	t.Run("store", func(t *testing.T) { test(t, foreign{keys.NewMemoryStore()}) })
}

func open(t testing.TB, c keys.Config) *keys.Ring {
	t.Helper()
	r, err := keys.Open(c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close(ctx)) })
	return r
}

func issue(t testing.TB, r *keys.Ring, c keys.Custom) (string, keys.Record) {
	t.Helper()
	issued, err := r.IssueCustom(ctx, c)
	require.NoError(t, err)
	return issued.Key.Reveal(), issued.Record
}

// stored returns a record as the store has it, with its digests.
func stored(t testing.TB, s keys.Store, rec keys.Record) keys.Record {
	t.Helper()
	rec, err := s.Get(ctx, rec.Space, rec.ID)
	require.NoError(t, err)
	return rec
}

func good(t testing.TB, r *keys.Ring, key string) keys.Verified {
	t.Helper()
	v, err := r.Verify(ctx, key)
	require.NoError(t, err)
	return v
}

// use checks that key is valid and uses it.
func use(t testing.TB, r *keys.Ring, key string) keys.Verified {
	t.Helper()
	v := good(t, r, key)
	v.Used()
	return v
}

// refused checks that key is refused for exactly this reason.
func refused(t testing.TB, r *keys.Ring, key string, why error) {
	t.Helper()
	v, err := r.Verify(ctx, key)
	require.ErrorIs(t, err, why)
	require.ErrorIs(t, err, keys.ErrInvalid)
	require.NotErrorIs(t, err, keys.ErrStore)
	require.True(t, v == (keys.Verified{}))
}

// undecided checks that Verify returns a store error.
func undecided(t testing.TB, r *keys.Ring, key string) {
	t.Helper()
	v, err := r.Verify(ctx, key)
	require.ErrorIs(t, err, keys.ErrStore)
	require.False(t, errors.Is(err, keys.ErrInvalid), "%v", err)
	require.True(t, v == (keys.Verified{}))
}

// counting counts the calls of a store.
type counting struct {
	keys.Store
	finds, lists atomic.Int64
}

func (c *counting) Find(ctx context.Context, space string, d []keys.Digest) (keys.Record, error) {
	c.finds.Add(1)
	return c.Store.Find(ctx, space, d)
}

func (c *counting) List(ctx context.Context, space string, f keys.Filter) ([]keys.Record, error) {
	c.lists.Add(1)
	return c.Store.List(ctx, space, f)
}
