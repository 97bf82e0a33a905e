package keys_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

// modelled is the expected state of a key.
type modelled struct {
	id, space, user       string
	value, old            string    // old is valid until oldEnds
	oldEnds               time.Time // never past the old value's own expiry
	overlap               time.Duration
	expires               time.Time
	disabled, ended, gone bool
	legacy                bool
	generation            uint64
}

func (m *modelled) over(now time.Time) bool { return !m.expires.IsZero() && !now.Before(m.expires) }

// changed counts a change of the record, which also drops an expired old value.
func (m *modelled) changed(now time.Time) {
	m.generation++
	if m.old != "" && !now.Before(m.oldEnds) {
		m.old, m.oldEnds, m.overlap = "", time.Time{}, 0
	}
}

// verdict returns the expected result of Verify for value.
func (m *modelled) verdict(value string, now time.Time) error {
	switch {
	case m.gone || value != m.value && (value != m.old || !now.Before(m.oldEnds)):
		return keys.ErrUnknown
	case m.ended:
		return keys.ErrInvalidated
	case m.disabled:
		return keys.ErrDisabled
	case m.over(now):
		return keys.ErrExpired
	}
	return nil
}

// Thousands of random operations and delays against the model: Verify returns the model's verdict for every value that was
// ever issued.
func TestAgainstModel(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	onBoth(t, func(t *testing.T, s keys.Store) {
		synctest.Test(t, func(t *testing.T) { runModel(t, s, rand.New(rand.NewPCG(seed, 0))) })
	})
}

func runModel(t *testing.T, s keys.Store, rnd *rand.Rand) {
	root := open(t, keys.Config{Store: s, LastUsed: new(ledger), ImportedKeys: true, Peppers: []keys.Pepper{pepper("1")}})
	var all []*modelled
	owner := map[string]*modelled{} // space and value, to key
	var values [][2]string          // space and value
	show := func(m *modelled) {
		owner[m.space+"/"+m.value] = m
		values = append(values, [2]string{m.space, m.value})
	}
	later := func() time.Time {
		if rnd.IntN(3) > 0 {
			return time.Time{}
		}
		return time.Now().Add(upTo(rnd, 10*24*time.Hour)).UTC().Truncate(time.Microsecond).Add(time.Microsecond)
	}
	verify := func(i int) {
		space, value := values[i][0], values[i][1]
		m, now := owner[space+"/"+value], time.Now()
		want := m.verdict(value, now)
		v, err := root.In(space).Verify(ctx, value)
		if want == nil && err == nil {
			require.Equal(t, m.id, v.ID())
			if rnd.IntN(4) == 0 {
				return // verified, and refused by the host
			}
			v.Used()
			if value == m.value && m.overlap > 0 { // first use
				if until := now.Add(m.overlap); until.Before(m.oldEnds) {
					m.oldEnds = until.Truncate(time.Microsecond)
				}
				m.overlap = 0
				m.changed(now)
				synctest.Wait()
			}
			return
		}
		// A text without a checksum is malformed once no record has it.
		forgotten := errors.Is(want, keys.ErrUnknown) && errors.Is(err, keys.ErrMalformed) && !root.Format().Valid(value)
		if want == nil || !forgotten && !errors.Is(err, want) || errors.Is(err, keys.ErrStore) {
			t.Fatalf("%+v: the value gets %v, not %v", *m, err, want)
		}
		other, err := root.In(space+"x").Verify(ctx, value)
		require.ErrorIs(t, err, keys.ErrInvalid)
		require.True(t, other == (keys.Verified{}))
	}
	for step := range 3000 {
		now := time.Now()
		var m *modelled
		var ring *keys.Ring
		if len(all) > 0 {
			m = all[max(rnd.IntN(len(all)), rnd.IntN(len(all)))] // mostly a later one
			ring = root.In(m.space)
		}
		switch op := rnd.IntN(14); {
		case m == nil || op == 0:
			m = &modelled{space: string(rune('a' + rnd.IntN(2))), expires: later(), generation: 1}
			issued, err := root.In(m.space).IssueCustom(ctx, keys.Custom{ExpiresAt: m.expires})
			require.NoError(t, err)
			m.id, m.value = issued.Record.ID, issued.Key.Reveal()
			all = append(all, m)
			show(m)
		case op == 1:
			m = &modelled{space: string(rune('a' + rnd.IntN(2))), user: fmt.Sprint("user", rnd.IntN(5)), expires: later(), generation: 1}
			var has bool
			for _, o := range all {
				has = has || o.space == m.space && o.user == m.user && !o.ended && !o.gone
			}
			issued, err := root.In(m.space).IssueUser(ctx, m.user, keys.User{ExpiresAt: m.expires})
			require.Equal(t, has, errors.Is(err, keys.ErrExists), "%v", err)
			if !has {
				require.NoError(t, err)
				m.id, m.value = issued.Record.ID, issued.Key.Reveal()
				all = append(all, m)
				show(m)
			}
		case op == 2:
			m = &modelled{space: "a", expires: later(), generation: 1, legacy: true, value: fmt.Sprintf("%x%08x-legacy", rnd.Uint64(), rnd.Uint64())}
			rec, err := root.In("a").Import(ctx, keys.Imported{Kind: keys.KindCustom, Text: keys.NewKey(m.value), ExpiresAt: m.expires})
			require.NoError(t, err)
			m.id = rec.ID
			all = append(all, m)
			show(m)
		case op <= 5:
			var rn keys.Renewal
			switch rnd.IntN(3) {
			case 0:
				rn.Overlap = upTo(rnd, 48*time.Hour) + 1000
				if rnd.IntN(2) == 0 {
					rn.OverlapCap = rn.Overlap + upTo(rnd, 48*time.Hour)
				}
			case 1:
				rn.Leaked = true
			}
			rn.ExpiresAt = later()
			issued, err := ring.Refresh(ctx, m.id, rn)
			var want error
			switch {
			case m.gone:
				want = keys.ErrNotFound
			case m.ended:
				want = keys.ErrInvalidated
			case m.over(now) && rn.ExpiresAt.IsZero():
				want = keys.ErrExpired
			}
			require.ErrorIs(t, err, want)
			if want == nil {
				m.old, m.oldEnds, m.overlap = "", time.Time{}, 0
				if overlap := rn.Overlap.Truncate(time.Microsecond); overlap > 0 {
					longest := rn.OverlapCap.Truncate(time.Microsecond)
					if rn.OverlapCap == 0 {
						longest = 7 * 24 * time.Hour
					}
					m.old, m.overlap, m.oldEnds = m.value, overlap, now.Truncate(time.Microsecond).Add(longest)
					if !m.expires.IsZero() && m.expires.Before(m.oldEnds) {
						m.oldEnds = m.expires
					}
				}
				if !rn.ExpiresAt.IsZero() {
					m.expires = rn.ExpiresAt
				}
				m.value = issued.Key.Reveal()
				m.changed(now)
				show(m)
			}
		case op <= 7:
			on := op == 6
			do := ring.Disable
			if !on {
				do = ring.Enable
			}
			err := do(ctx, m.id)
			switch {
			case m.gone:
				require.ErrorIs(t, err, keys.ErrNotFound)
			case m.ended:
				require.ErrorIs(t, err, keys.ErrInvalidated)
			default:
				require.NoError(t, err)
				if m.disabled != on {
					m.disabled = on
					m.changed(now)
				}
			}
		case op == 8 && rnd.IntN(3) == 0:
			err := ring.Invalidate(ctx, m.id)
			if m.gone {
				require.ErrorIs(t, err, keys.ErrNotFound)
			} else {
				require.NoError(t, err)
				if !m.ended {
					m.ended = true
					m.changed(now)
				}
			}
		case op == 9 && m.user != "":
			want := 0
			for _, o := range all {
				if o.space == m.space && o.user == m.user && !o.ended && !o.gone {
					o.ended = true
					o.generation++ // in the store only
					want++
				}
			}
			n, err := ring.InvalidateUser(ctx, m.user)
			require.NoError(t, err)
			require.Equal(t, want, n)
		case op == 10:
			err := ring.Remove(ctx, m.id)
			switch {
			case m.gone:
				require.ErrorIs(t, err, keys.ErrNotFound)
			case !m.ended:
				require.ErrorIs(t, err, keys.ErrRefused)
			default:
				require.NoError(t, err)
				m.gone = true
			}
		case op == 11:
			at := time.Now().Add(upTo(rnd, 10*24*time.Hour) - 24*time.Hour)
			_, err := ring.Update(ctx, m.id, func(s *keys.Settings) error { s.ExpiresAt = at; return nil })
			switch {
			case m.gone:
				require.ErrorIs(t, err, keys.ErrNotFound)
			case m.ended:
				require.ErrorIs(t, err, keys.ErrInvalidated)
			default:
				require.NoError(t, err)
				m.expires = at.UTC().Truncate(time.Microsecond)
				m.changed(now)
			}
		default:
			time.Sleep(upTo(rnd, 12*time.Hour))
		}
		for range 3 {
			verify(rnd.IntN(len(values)))
		}
		if !m.gone {
			got, err := root.In(m.space).Get(ctx, m.id)
			if m.id != "" {
				require.NoError(t, err)
				require.Equal(t, m.generation, got.Generation, "step %d", step)
			}
		}
	}
	for i := range values {
		verify(i)
	}
}

func upTo(rnd *rand.Rand, d time.Duration) time.Duration { return time.Duration(rnd.Int64N(int64(d))) }
