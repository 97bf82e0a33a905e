package keys_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

func TestOverlap(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		name    string
		expires time.Duration // of the old value; 0 never
		rn      keys.Renewal
		used    time.Duration // first use of the new value; 0 never
		old     time.Duration // how long the old value is valid after the refresh
	}{
		{"never used: seven days", 0, keys.Renewal{Overlap: time.Hour}, 0, 7 * day},
		{"never used: long overlap", 0, keys.Renewal{Overlap: 9 * day}, 0, 9 * day},
		{"never used: own cap", 0, keys.Renewal{Overlap: time.Hour, OverlapCap: 2 * day}, 0, 2 * day},
		{"never used: own expiry", day, keys.Renewal{Overlap: time.Hour}, 0, day},
		{"used: overlap counts from then", 0, keys.Renewal{Overlap: time.Hour}, 3 * day, 3*day + time.Hour},
		{"used at once", 0, keys.Renewal{Overlap: time.Hour}, time.Microsecond, time.Hour + time.Microsecond},
		{"used late: cap", 0, keys.Renewal{Overlap: 2 * day}, 6 * day, 7 * day},
		{"used: own expiry", day, keys.Renewal{Overlap: 12 * time.Hour}, 18 * time.Hour, day},
	} {
		t.Run(c.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, s keys.Store) {
				synctest.Test(t, func(t *testing.T) {
					r := open(t, keys.Config{Store: s})
					var custom keys.Custom
					if c.expires > 0 {
						custom.ExpiresAt = time.Now().Add(c.expires)
					}
					began := time.Now()
					old, rec := issue(t, r, custom)
					if c.expires > 0 {
						c.rn.ExpiresAt = time.Now().Add(365 * day)
					}
					renewed, err := r.Refresh(ctx, rec.ID, c.rn)
					require.NoError(t, err)
					if c.used > 0 {
						pass(c.used)
						use(t, r, old)
						synctest.Wait()
						got, err := r.Get(ctx, rec.ID)
						require.NoError(t, err)
						require.Equal(t, c.rn.Overlap, got.Overlap, "the use of the old value proves nothing")

						use(t, r, renewed.Key.Reveal())
						use(t, r, renewed.Key.Reveal())
						synctest.Wait()
						got, err = r.Get(ctx, rec.ID)
						require.NoError(t, err)
						require.Zero(t, got.Overlap)
						require.Equal(t, uint64(3), got.Generation, "recorded once")
						pass(time.Minute)
						use(t, r, renewed.Key.Reveal())
						synctest.Wait()
					}
					pass(c.old - time.Since(began) - time.Microsecond)
					use(t, r, old)
					pass(time.Microsecond)
					refused(t, r, old, keys.ErrUnknown)
					use(t, r, renewed.Key.Reveal())

					_, err = r.Update(ctx, rec.ID, func(s *keys.Settings) error { s.Name = "x"; return nil })
					require.NoError(t, err)
					require.True(t, stored(t, s, rec).Previous.IsZero(), "a digest whose time is over is dropped with the next change")
				})
			})
		})
	}
}

// While the first use cannot be recorded, the old value ends at its cap; later uses try again, at intervals.
func TestFirstUseCannotBeRecorded(t *testing.T) {
	onBoth(t, func(t *testing.T, inner keys.Store) {
		synctest.Test(t, func(t *testing.T) {
			if f, ok := inner.(foreign); ok {
				inner = f.Store
			}
			f := &faulty{Store: inner}
			var reported []error
			r := open(t, keys.Config{Store: f, OnError: func(err error) { reported = append(reported, err) }})
			old, rec := issue(t, r, keys.Custom{})
			renewed, err := r.Refresh(ctx, rec.ID, keys.Renewal{Overlap: time.Hour})
			require.NoError(t, err)
			f.readOnly.Store(true)
			for range 100 {
				use(t, r, renewed.Key.Reveal())
				synctest.Wait()
			}
			require.Len(t, reported, 1)
			require.ErrorIs(t, reported[0], keys.ErrStore)
			pass(2 * time.Hour)
			use(t, r, old)
			f.readOnly.Store(false)
			use(t, r, renewed.Key.Reveal())
			synctest.Wait()
			pass(time.Hour)
			refused(t, r, old, keys.ErrUnknown)
		})
	})
}

// A first use that hangs ends with the ring, even if Close does not wait for it.
func TestCloseEndsFirstUses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, n := newShared().ring(t, keys.Config{})
		_, rec := issue(t, r, keys.Custom{})
		renewed, err := r.Refresh(ctx, rec.ID, keys.Renewal{Overlap: time.Hour})
		require.NoError(t, err)
		hanging := 0
		n.before.set(func(ctx context.Context, method string) error {
			if method != "Update" {
				return nil
			}
			hanging++
			<-ctx.Done()
			hanging--
			return ctx.Err()
		})
		use(t, r, renewed.Key.Reveal())
		synctest.Wait()
		require.Equal(t, 1, hanging)
		gone, cancel := context.WithCancel(ctx)
		cancel()
		require.ErrorIs(t, r.Close(gone), context.Canceled)
		synctest.Wait()
		require.Zero(t, hanging)
	})
}

// The first use belongs to one value: recording it must not change a newer value.
func TestFirstUseOfAnOlderValue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &interfering{Store: keys.NewMemoryStore()}
		r := open(t, keys.Config{Store: s})
		_, rec := issue(t, r, keys.Custom{})
		second, err := r.Refresh(ctx, rec.ID, keys.Renewal{Overlap: time.Hour})
		require.NoError(t, err)
		var third keys.Issued
		s.before = func() {
			third, err = r.Refresh(ctx, rec.ID, keys.Renewal{Overlap: 2 * time.Hour})
			require.NoError(t, err)
		}
		use(t, r, second.Key.Reveal())
		synctest.Wait()
		got, err := r.Get(ctx, rec.ID)
		require.NoError(t, err)
		require.Equal(t, 2*time.Hour, got.Overlap)
		pass(6 * 24 * time.Hour)
		use(t, r, second.Key.Reveal())
		use(t, r, third.Key.Reveal())
	})
}

func TestAnOldValueEndsWithItsOverlap(t *testing.T) {
	for _, c := range []struct {
		name             string
		expires, overlap time.Duration // of the key, and of the old value at most
		ends             time.Duration // ExpiresAt of the old value
	}{
		{"an endless key", 0, time.Hour, time.Hour},
		{"a key that ends later", 2 * time.Hour, time.Hour, time.Hour},
		{"a key that ends sooner", time.Hour, 2 * time.Hour, time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, s keys.Store) {
				synctest.Test(t, func(t *testing.T) {
					r := open(t, keys.Config{Store: s})
					var custom keys.Custom
					if c.expires > 0 {
						custom.ExpiresAt = time.Now().Add(c.expires)
					}
					began := time.Now()
					old, rec := issue(t, r, custom)
					renewed, err := r.Refresh(ctx, rec.ID, keys.Renewal{Overlap: c.overlap, OverlapCap: c.overlap})
					require.NoError(t, err)
					v, err := r.Verify(ctx, old)
					require.NoError(t, err)
					require.Equal(t, c.ends, v.ExpiresAt().Sub(began))
					v, err = r.Verify(ctx, renewed.Key.Reveal())
					require.NoError(t, err)
					require.Equal(t, custom.ExpiresAt.Unix(), v.ExpiresAt().Unix())
				})
			})
		})
	}
}
