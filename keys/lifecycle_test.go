package keys_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

// The verdict on a key's value after each operation.
func TestLifecycle(t *testing.T) {
	type step = func(*testing.T, *keys.Ring, string) error
	disable := func(t *testing.T, r *keys.Ring, id string) error { return r.Disable(ctx, id) }
	enable := func(t *testing.T, r *keys.Ring, id string) error { return r.Enable(ctx, id) }
	end := func(t *testing.T, r *keys.Ring, id string) error { return r.Invalidate(ctx, id) }
	remove := func(t *testing.T, r *keys.Ring, id string) error { return r.Remove(ctx, id) }
	refresh := func(rn keys.Renewal) step {
		return func(t *testing.T, r *keys.Ring, id string) error { _, err := r.Refresh(ctx, id, rn); return err }
	}
	endUser := func(t *testing.T, r *keys.Ring, id string) error { _, err := r.InvalidateUser(ctx, "anna"); return err }
	endOther := func(t *testing.T, r *keys.Ring, id string) error { _, err := r.InvalidateUser(ctx, "Anna"); return err }
	expire := func(t *testing.T, r *keys.Ring, id string) error {
		_, err := r.Update(ctx, id, func(s *keys.Settings) error { s.ExpiresAt = time.Now(); return nil })
		return err
	}
	prolong := func(t *testing.T, r *keys.Ring, id string) error {
		_, err := r.Update(ctx, id, func(s *keys.Settings) error { s.ExpiresAt = time.Now().Add(time.Hour); return nil })
		return err
	}
	rename := func(t *testing.T, r *keys.Ring, id string) error {
		_, err := r.Update(ctx, id, func(s *keys.Settings) error { s.Name = "other"; return nil })
		return err
	}
	refuses := func(s step, why error) step {
		return func(t *testing.T, r *keys.Ring, id string) error {
			require.ErrorIs(t, s(t, r, id), why)
			return nil
		}
	}
	overlap := keys.Renewal{Overlap: time.Hour}

	for _, c := range []struct {
		name  string
		steps []step
		want  error // of the first value; nil means valid
	}{
		{"nothing", nil, nil},
		{"rename", []step{rename}, nil},
		{"disable", []step{disable}, keys.ErrDisabled},
		{"disable twice", []step{disable, disable}, keys.ErrDisabled},
		{"disable, enable", []step{disable, enable}, nil},
		{"enable", []step{enable}, nil},
		{"end", []step{end}, keys.ErrInvalidated},
		{"end twice", []step{end, end}, keys.ErrInvalidated},
		{"end user", []step{endUser}, keys.ErrInvalidated},
		{"end user twice", []step{endUser, endUser}, keys.ErrInvalidated},
		{"end another user", []step{endOther}, nil},
		{"end, enable", []step{end, refuses(enable, keys.ErrInvalidated)}, keys.ErrInvalidated},
		{"end, disable", []step{end, refuses(disable, keys.ErrInvalidated)}, keys.ErrInvalidated},
		{"end, rename", []step{end, refuses(rename, keys.ErrInvalidated)}, keys.ErrInvalidated},
		{"end, refresh", []step{end, refuses(refresh(keys.Renewal{}), keys.ErrInvalidated)}, keys.ErrInvalidated},
		{"end, remove", []step{end, remove}, keys.ErrUnknown},
		{"end, remove twice", []step{end, remove, refuses(remove, keys.ErrNotFound)}, keys.ErrUnknown},
		{"remove", []step{refuses(remove, keys.ErrRefused)}, nil},
		{"disable, remove", []step{disable, refuses(remove, keys.ErrRefused)}, keys.ErrDisabled},
		{"expire", []step{expire}, keys.ErrExpired},
		{"expire, prolong", []step{expire, prolong}, nil},
		{"expire, refresh", []step{expire, refuses(refresh(keys.Renewal{}), keys.ErrExpired)}, keys.ErrExpired},
		{"expire, disable", []step{expire, disable}, keys.ErrDisabled},
		{"expire, disable, end", []step{expire, disable, end}, keys.ErrInvalidated},
		{"refresh", []step{refresh(keys.Renewal{})}, keys.ErrUnknown},
		{"refresh, leaked", []step{refresh(keys.Renewal{Leaked: true})}, keys.ErrUnknown},
		{"refresh, overlap", []step{refresh(overlap)}, nil},
		{"overlap, leaked", []step{refresh(overlap), refresh(keys.Renewal{Leaked: true})}, keys.ErrUnknown},
		{"overlap, refresh", []step{refresh(overlap), refresh(keys.Renewal{})}, keys.ErrUnknown},
		{"overlap twice", []step{refresh(overlap), refresh(overlap)}, keys.ErrUnknown},
		{"overlap, rename", []step{refresh(overlap), rename}, nil},
		{"overlap, disable", []step{refresh(overlap), disable}, keys.ErrDisabled},
		{"overlap, end", []step{refresh(overlap), end}, keys.ErrInvalidated},
		{"overlap, expire", []step{refresh(overlap), expire}, keys.ErrExpired},
	} {
		t.Run(c.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, s keys.Store) {
				r := open(t, keys.Config{Store: s})
				issued, err := r.IssueUser(ctx, "anna", keys.User{Name: "first"})
				require.NoError(t, err)
				before := good(t, r, issued.Key.Reveal())
				for _, do := range c.steps {
					require.NoError(t, do(t, r, issued.Record.ID))
				}
				_, rechecked := r.Recheck(ctx, before)
				if c.want == nil {
					good(t, r, issued.Key.Reveal())
					require.NoError(t, rechecked)
					return
				}
				refused(t, r, issued.Key.Reveal(), c.want)
				require.ErrorIs(t, rechecked, c.want)
			})
		})
	}
}

func TestExpiryIsHalfOpen(t *testing.T) {
	onBoth(t, func(t *testing.T, s keys.Store) {
		synctest.Test(t, func(t *testing.T) {
			r := open(t, keys.Config{Store: s})
			end := time.Now().Add(time.Hour)
			key, rec := issue(t, r, keys.Custom{ExpiresAt: end.In(time.FixedZone("", 3600))})
			require.Equal(t, time.UTC, rec.ExpiresAt.Location())
			require.Equal(t, keys.StateActive, rec.State(end.Add(-1)))
			time.Sleep(time.Hour - 1)
			good(t, r, key)
			time.Sleep(time.Nanosecond)
			refused(t, r, key, keys.ErrExpired)
			time.Sleep(time.Hour)
			refused(t, r, key, keys.ErrExpired)

			_, err := r.Refresh(ctx, rec.ID, keys.Renewal{ExpiresAt: time.Now()})
			require.ErrorIs(t, err, keys.ErrRefused)
			renewed, err := r.Refresh(ctx, rec.ID, keys.Renewal{ExpiresAt: time.Now().Add(time.Minute)})
			require.NoError(t, err)
			good(t, r, renewed.Key.Reveal())
			refused(t, r, key, keys.ErrUnknown)
		})
	})
}

func TestClosed(t *testing.T) {
	onBoth(t, func(t *testing.T, s keys.Store) {
		r := open(t, keys.Config{Store: s})
		key, rec := issue(t, r, keys.Custom{})
		v := good(t, r, key)
		require.NoError(t, r.In("elsewhere").Close(ctx), "a view closes all")
		require.NoError(t, r.Close(ctx))

		undecided(t, r, key)
		undecided(t, r, "junk")
		_, err := r.Recheck(ctx, v)
		require.ErrorIs(t, err, keys.ErrClosed)
		require.ErrorIs(t, err, keys.ErrStore)
		_, err = r.IssueCustom(ctx, keys.Custom{})
		require.ErrorIs(t, err, keys.ErrClosed)
		_, err = r.Refresh(ctx, rec.ID, keys.Renewal{})
		require.ErrorIs(t, err, keys.ErrClosed)
		require.ErrorIs(t, r.Invalidate(ctx, rec.ID), keys.ErrClosed)
	})
	var zero keys.Ring
	undecided(t, &zero, "API-x")
	_, err := zero.IssueCustom(ctx, keys.Custom{})
	require.ErrorIs(t, err, keys.ErrClosed)
	require.NoError(t, zero.Close(ctx))
	require.False(t, zero.Format().HasPrefix("API-x"))
	var none *keys.Ring
	undecided(t, none, "API-x")
}
