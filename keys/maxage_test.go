package keys_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

const day = 24 * time.Hour

// MaxAge is set later than the values were issued.
func TestMaxAgeEndsValuesIssuedBefore(t *testing.T) {
	onBoth(t, func(t *testing.T, s keys.Store) {
		synctest.Test(t, func(t *testing.T) {
			before := open(t, keys.Config{Store: s, ImportedKeys: true})
			endless, rec := issue(t, before, keys.Custom{})
			late, _ := issue(t, before, keys.Custom{ExpiresAt: time.Now().Add(365 * day)})
			soon, _ := issue(t, before, keys.Custom{ExpiresAt: time.Now().Add(31 * day)})
			imported, err := before.Import(ctx, keys.Imported{Kind: keys.KindCustom, Text: keys.NewKey(legacyText), CreatedAt: time.Now().Add(-20 * day)})
			require.NoError(t, err)
			pass(10 * day)
			refreshed, other := issue(t, before, keys.Custom{})
			pass(10 * day)
			value, err := before.Refresh(ctx, other.ID, keys.Renewal{})
			require.NoError(t, err)
			refused(t, before, refreshed, keys.ErrUnknown)

			r := open(t, keys.Config{Store: s, MaxAge: 30 * day, ImportedKeys: true})
			born := time.Now().Add(-20 * day)
			refused(t, r, legacyText, keys.ErrExpired)
			good(t, before, legacyText) // for a ring without MaxAge over the same store
			refused(t, r, legacyText, keys.ErrExpired)
			got, err := r.Get(ctx, imported.ID)
			require.NoError(t, err)
			require.Equal(t, keys.StateExpired, got.State(time.Now()))

			v := good(t, r, endless)
			require.True(t, born.Add(30*day).Equal(v.ExpiresAt()), v.ExpiresAt())
			got, err = r.Get(ctx, rec.ID)
			require.NoError(t, err)
			require.True(t, born.Add(30*day).Equal(got.ExpiresAt))
			pass(10*day - time.Microsecond)
			for range 2 {
				good(t, r, endless)
				good(t, r, late)
				good(t, r, soon)
			}
			pass(time.Microsecond)
			for _, value := range []string{endless, late, soon} {
				refused(t, r, value, keys.ErrExpired)
			}
			_, err = r.Recheck(ctx, v)
			require.ErrorIs(t, err, keys.ErrExpired)
			good(t, r, value.Key.Reveal())

			// MaxAge counts from the refresh.
			renewed, err := r.Refresh(ctx, rec.ID, keys.Renewal{Overlap: time.Hour})
			require.NoError(t, err)
			refused(t, r, endless, keys.ErrUnknown)
			pass(20*day - time.Microsecond)
			good(t, r, value.Key.Reveal())
			pass(time.Microsecond)
			refused(t, r, value.Key.Reveal(), keys.ErrExpired)
			good(t, r, renewed.Key.Reveal())
			pass(10 * day)
			refused(t, r, renewed.Key.Reveal(), keys.ErrExpired)
		})
	})
}

// The old value of an overlap ends at its own MaxAge, and at one that was set meanwhile.
func TestMaxAgeEndsOldValues(t *testing.T) {
	onBoth(t, func(t *testing.T, s keys.Store) {
		synctest.Test(t, func(t *testing.T) {
			before := open(t, keys.Config{Store: s})
			r := open(t, keys.Config{Store: s, MaxAge: 3 * day})
			old, rec := issue(t, before, keys.Custom{})
			pass(2 * day)
			_, err := r.Refresh(ctx, rec.ID, keys.Renewal{Overlap: 2 * day})
			require.NoError(t, err)
			pass(day - time.Microsecond)
			good(t, r, old)
			pass(time.Microsecond)
			refused(t, r, old, keys.ErrUnknown)

			old, rec = issue(t, before, keys.Custom{})
			_, err = before.Refresh(ctx, rec.ID, keys.Renewal{Overlap: 30 * day})
			require.NoError(t, err)
			good(t, r, old)
			pass(3 * day)
			refused(t, r, old, keys.ErrExpired)
			good(t, before, old)
		})
	})
}

// An edit of another setting does not change the time at which MaxAge ends the value.
func TestMaxAgeAndUpdate(t *testing.T) {
	onBoth(t, func(t *testing.T, s keys.Store) {
		synctest.Test(t, func(t *testing.T) {
			_, rec := issue(t, open(t, keys.Config{Store: s}), keys.Custom{})
			r := open(t, keys.Config{Store: s, MaxAge: 3 * day})
			end := rec.CreatedAt.Add(3 * day)
			got, err := r.Update(ctx, rec.ID, func(s *keys.Settings) error {
				require.Equal(t, end, s.ExpiresAt)
				s.Name = "renamed"
				return nil
			})
			require.NoError(t, err)
			require.Equal(t, end, got.ExpiresAt)
			stored, err := s.Get(ctx, "", rec.ID)
			require.NoError(t, err)
			require.Zero(t, stored.ExpiresAt)
			_, err = r.Update(ctx, rec.ID, func(s *keys.Settings) error { s.ExpiresAt = end.Add(time.Second); return nil })
			require.ErrorIs(t, err, keys.ErrRefused)
			got, err = r.Update(ctx, rec.ID, func(s *keys.Settings) error { s.ExpiresAt = end.Add(-day); return nil })
			require.NoError(t, err)
			require.Equal(t, end.Add(-day), got.ExpiresAt)
		})
	})
}

func TestMaxAgeOfAnImportCountsFromItsCreation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, keys.Config{Store: keys.NewMemoryStore(), MaxAge: 30 * day, ImportedKeys: true})
		in := keys.Imported{Kind: keys.KindCustom, Text: keys.NewKey(legacyText), CreatedAt: time.Now().Add(-20 * day)}
		in.ExpiresAt = time.Now().Add(11 * day)
		_, err := r.Import(ctx, in)
		require.ErrorIs(t, err, keys.ErrRefused)
		in.ExpiresAt = time.Time{}
		_, err = r.Import(ctx, in)
		require.NoError(t, err)
		pass(10*day - time.Microsecond)
		good(t, r, legacyText)
		pass(time.Microsecond)
		refused(t, r, legacyText, keys.ErrExpired)
	})
}

// The ring reports once how many values MaxAge ends, and a filter finds them.
func TestMaxAgeIsReportedOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, s keys.Store) {
		synctest.Test(t, func(t *testing.T) {
			before := open(t, keys.Config{Store: s})
			var old []string
			for i := range 1005 { // more than a page
				key, rec := issue(t, before.In(map[bool]string{true: "", false: "b"}[i < 1003]), keys.Custom{})
				if old = append(old, key); i == 0 {
					require.NoError(t, before.Invalidate(ctx, rec.ID)) // MaxAge changes nothing for these
				}
				if i == 1 {
					require.NoError(t, before.Disable(ctx, rec.ID))
				}
			}
			pass(31 * day)
			issue(t, before, keys.Custom{})

			var reported []error
			for range 2 {
				r := open(t, keys.Config{Store: s, MaxAge: 30 * day, OnError: func(err error) { reported = append(reported, err) }})
				synctest.Wait()
				require.Len(t, reported, 1)
				require.ErrorContains(t, reported[0], "MaxAge (720h0m0s) ends 1001 of the values in space \"\"")
				for range 3 {
					refused(t, r, old[2], keys.ErrExpired)
					refused(t, r.In("b"), old[1004], keys.ErrExpired)
					synctest.Wait()
				}
				require.Len(t, reported, 2, "each space once")
				require.ErrorContains(t, reported[1], "ends 2 of the values in space \"b\"")
				list, err := r.List(ctx, keys.Filter{State: keys.StateActive, IssuedUntil: time.Now().Add(-30 * day), Limit: 10})
				require.NoError(t, err)
				require.Len(t, list, 10)
				require.Equal(t, keys.StateExpired, list[0].State(time.Now()))
				reported = nil
			}
		})
	})
}

// After a store error the survey is tried again without another report, until it succeeds or the ring is closed.
func TestMaxAgeIsReportedAfterAStoreError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := keys.NewMemoryStore()
		issue(t, open(t, keys.Config{Store: s}), keys.Custom{})
		pass(2 * day)
		f := &faulty{Store: s}
		f.fail.Store(true)
		var reported []string
		config := keys.Config{Store: f, MaxAge: day, ImportedKeys: true, OnError: func(err error) { reported = append(reported, fmt.Sprint(err)) }}
		open(t, config)
		pass(10 * time.Minute)
		require.Len(t, reported, 1)
		require.Contains(t, reported[0], "not counted yet")
		f.fail.Store(false)
		pass(10 * time.Minute)
		require.Len(t, reported, 2)
		require.Contains(t, reported[1], "ends 1 of the values")

		f.fail.Store(true)
		r := open(t, config)
		synctest.Wait()
		require.NoError(t, r.Close(ctx))
		f.fail.Store(false)
		pass(10 * time.Minute)
		require.Len(t, reported, 3, "a closed ring reports nothing")
	})
}
