package keys_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

// What a key's value is worth after each thing that can happen to it.
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
		want  error // of the first value; nil is good
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
			require.Equal(t, keys.Active, rec.State(end.Add(-1)))
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

func TestMaxAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, keys.Config{Store: keys.NewMemoryStore(), MaxAge: time.Hour})
		_, rec := issue(t, r, keys.Custom{})
		require.Equal(t, rec.CreatedAt.Add(time.Hour), rec.ExpiresAt, "no expiry means the longest")

		_, err := r.IssueCustom(ctx, keys.Custom{ExpiresAt: time.Now().Add(time.Hour + 1e3)})
		require.ErrorIs(t, err, keys.ErrRefused)
		_, err = r.Import(ctx, keys.Imported{Kind: keys.CustomKey, Text: legacyText, ExpiresAt: time.Now().Add(2 * time.Hour)})
		require.ErrorIs(t, err, keys.ErrRefused)

		time.Sleep(30 * time.Minute)
		set := func(at time.Time) error {
			_, err := r.Update(ctx, rec.ID, func(s *keys.Settings) error { s.ExpiresAt = at; return nil })
			return err
		}
		require.ErrorIs(t, set(time.Now().Add(time.Hour)), keys.ErrRefused, "an edit must not prolong a value for ever")
		require.NoError(t, set(time.Now().Add(time.Minute)))
		require.NoError(t, set(time.Time{}))
		rec, err = r.Get(ctx, rec.ID)
		require.NoError(t, err)
		require.Equal(t, rec.CreatedAt.Add(time.Hour), rec.ExpiresAt)

		_, err = r.Refresh(ctx, rec.ID, keys.Renewal{ExpiresAt: time.Now().Add(2 * time.Hour)})
		require.ErrorIs(t, err, keys.ErrRefused)
		renewed, err := r.Refresh(ctx, rec.ID, keys.Renewal{ExpiresAt: time.Now().Add(time.Hour)})
		require.NoError(t, err)
		require.Equal(t, time.Now().Add(time.Hour).UTC(), renewed.Record.ExpiresAt)
	})
}

func TestOneKeyPerUser(t *testing.T) {
	onBoth(t, func(t *testing.T, s keys.Store) {
		r := open(t, keys.Config{Store: s})
		first, err := r.IssueUser(ctx, "anna", keys.User{})
		require.NoError(t, err)
		_, err = r.IssueUser(ctx, "anna", keys.User{})
		require.ErrorIs(t, err, keys.ErrExists)
		require.NoError(t, r.Disable(ctx, first.Record.ID))
		_, err = r.IssueUser(ctx, "anna", keys.User{})
		require.ErrorIs(t, err, keys.ErrExists, "a paused key is still the one")
		require.NoError(t, r.Invalidate(ctx, first.Record.ID))
		_, err = r.IssueUser(ctx, "anna", keys.User{})
		require.NoError(t, err)
		_, err = r.In("other").IssueUser(ctx, "anna", keys.User{})
		require.NoError(t, err)

		several := open(t, keys.Config{Store: s, SeveralPerUser: true})
		_, err = several.IssueUser(ctx, "anna", keys.User{})
		require.NoError(t, err)
		n, err := r.InvalidateUser(ctx, "anna")
		require.NoError(t, err)
		require.Equal(t, 2, n)
	})
}

func TestRefusedAtIssue(t *testing.T) {
	r := open(t, keys.Config{Store: keys.NewMemoryStore()})
	long := strings.Repeat("x", 201)
	for name, c := range map[string]keys.Custom{
		"long name":          {Name: long},
		"control in name":    {Name: "a\nb"},
		"C1 in name":         {Name: "a\u0085b"},
		"NUL in name":        {Name: "a\x00"},
		"bytes in name":      {Name: "\xff"},
		"long role":          {Role: long[:65]},
		"control in role":    {Role: "a\tb"},
		"long author":        {CreatedBy: long},
		"65 scopes":          {Scopes: strings.Split(strings.Repeat("a ", 64)+"a", " ")},
		"empty scope":        {Scopes: []string{"a/b", ""}},
		"65 networks":        {AllowedIPs: networks(strings.Fields(strings.Repeat("10.0.0.0/8 ", 65))...)},
		"zero network":       {AllowedIPs: networks("")},
		"mapped network":     {AllowedIPs: networks("::ffff:10.0.0.0/104")},
		"expired from start": {ExpiresAt: time.Now()},
	} {
		_, err := r.IssueCustom(ctx, c)
		require.ErrorIs(t, err, keys.ErrRefused, name)
		require.NotErrorIs(t, err, keys.ErrInvalid, name)
	}
	for _, id := range []string{"", long, "a\r", "\xc3"} {
		_, err := r.IssueUser(ctx, id, keys.User{})
		require.ErrorIs(t, err, keys.ErrRefused)
		_, err = r.InvalidateUser(ctx, id)
		require.ErrorIs(t, err, keys.ErrRefused)
	}
	_, err := r.In("a\x00b").IssueCustom(ctx, keys.Custom{})
	require.ErrorIs(t, err, keys.ErrRefused)
	_, err = r.List(ctx, keys.Filter{Limit: -1})
	require.ErrorIs(t, err, keys.ErrRefused)
	list, err := r.List(ctx, keys.Filter{})
	require.NoError(t, err)
	require.Empty(t, list, "nothing refused is stored")
}

func TestUpdate(t *testing.T) {
	onBoth(t, func(t *testing.T, s keys.Store) {
		r := open(t, keys.Config{Store: s})
		key, rec := issue(t, r, keys.Custom{Name: "a", Role: "editor", Scopes: []string{"x/*"}})

		calls := 0
		got, err := r.Update(ctx, rec.ID, func(st *keys.Settings) error {
			if calls++; calls == 1 { // somebody else is faster
				require.NoError(t, r.Disable(ctx, rec.ID))
				require.NoError(t, r.Enable(ctx, rec.ID))
			}
			require.Equal(t, []string{"x/*"}, st.Scopes)
			st.Name, st.Role, st.Scopes[0] = "b", "author", "y/*"
			st.AllowedIPs = networks("10.1.2.3/8")
			return nil
		})
		require.NoError(t, err)
		require.Equal(t, 2, calls)
		require.Equal(t, uint64(4), got.Generation)
		v := good(t, r, key)
		require.Equal(t, "b author y/* 10.0.0.0/8", v.Name()+" "+v.Role()+" "+v.Record().Scopes[0]+" "+v.Record().AllowedIPs[0].String())

		same, err := r.Update(ctx, rec.ID, func(*keys.Settings) error { return nil })
		require.NoError(t, err)
		require.Equal(t, got.Generation, same.Generation, "nothing changed, nothing written")

		own := errorText("mine")
		_, err = r.Update(ctx, rec.ID, func(*keys.Settings) error { return own })
		require.Equal(t, error(own), err)
		_, err = r.Update(ctx, rec.ID, func(s *keys.Settings) error { s.Scopes = []string{""}; return nil })
		require.ErrorIs(t, err, keys.ErrRefused)
		_, err = r.Update(ctx, "nobody", func(*keys.Settings) error { t.Fatal("asked"); return nil })
		require.ErrorIs(t, err, keys.ErrNotFound)

		user, err := r.IssueUser(ctx, "anna", keys.User{})
		require.NoError(t, err)
		_, err = r.Update(ctx, user.Record.ID, func(s *keys.Settings) error { s.Role = "admin"; return nil })
		require.ErrorIs(t, err, keys.ErrRefused, "a user key has no role of its own")

		calls = 0
		_, err = r.Update(ctx, rec.ID, func(s *keys.Settings) error { // an edit that is always too late gives up
			s.Name += "!"
			if calls++; calls%2 == 1 {
				return r.Disable(ctx, rec.ID)
			}
			return r.Enable(ctx, rec.ID)
		})
		require.ErrorIs(t, err, keys.ErrConflict)
		require.Equal(t, 16, calls)
	})
}

type errorText string

func (e errorText) Error() string { return string(e) }

func TestClosed(t *testing.T) {
	onBoth(t, func(t *testing.T, s keys.Store) {
		r := open(t, keys.Config{Store: s})
		key, rec := issue(t, r, keys.Custom{})
		v := good(t, r, key)
		require.NoError(t, r.In("elsewhere").Close(ctx), "a view closes all")
		require.NoError(t, r.Close(ctx))

		noVerdict(t, r, key)
		noVerdict(t, r, "junk")
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
	noVerdict(t, &zero, "API-x")
	_, err := zero.IssueCustom(ctx, keys.Custom{})
	require.ErrorIs(t, err, keys.ErrClosed)
	require.NoError(t, zero.Close(ctx))
	require.False(t, zero.Format().HasPrefix("API-x"))
	var none *keys.Ring
	noVerdict(t, none, "API-x")
}
