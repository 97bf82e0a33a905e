package keys_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

// Current distinguishes a key that was refreshed since from one that was not, even if no time passed.
func TestCurrent(t *testing.T) {
	onBoth(t, func(t *testing.T, s keys.Store) {
		synctest.Test(t, func(t *testing.T) {
			r := open(t, keys.Config{Store: s})
			key, rec := issue(t, r.In("a"), keys.Custom{})
			v := good(t, r.In("a"), key)
			_, err := r.In("a").Update(ctx, rec.ID, func(s *keys.Settings) error { s.Name = "new"; return nil })
			require.NoError(t, err)
			require.NoError(t, r.In("a").Disable(ctx, rec.ID))
			now, err := r.In("a").Current(ctx, v)
			require.NoError(t, err)
			require.Equal(t, "new", now.Name)
			require.False(t, now.DisabledAt.IsZero(), "the state is for the caller to judge")

			_, err = r.Current(ctx, v)
			require.ErrorIs(t, err, keys.ErrNotFound, "another space")
			_, err = r.Current(ctx, keys.Verified{})
			require.ErrorIs(t, err, keys.ErrNotFound)

			last := now
			for range 3 {
				issued, err := r.In("a").Refresh(ctx, rec.ID, keys.Renewal{Overlap: 1e12})
				require.NoError(t, err)
				require.False(t, issued.Record.RefreshedAt.Equal(last.RefreshedAt))
				last = issued.Record
				_, err = r.In("a").Current(ctx, v)
				require.ErrorIs(t, err, keys.ErrConflict)
			}
			require.NoError(t, r.In("a").Enable(ctx, rec.ID))
			require.NoError(t, r.In("a").Invalidate(ctx, rec.ID))
			require.NoError(t, r.In("a").Remove(ctx, rec.ID))
			_, err = r.In("a").Current(ctx, v)
			require.ErrorIs(t, err, keys.ErrNotFound)
			require.NoError(t, r.Close(ctx))
			_, err = r.In("a").Current(ctx, v)
			require.ErrorIs(t, err, keys.ErrClosed)
		})
	})
}
