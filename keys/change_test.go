package keys_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

func TestUpdate(t *testing.T) {
	onBoth(t, func(t *testing.T, s keys.Store) {
		r := open(t, keys.Config{Store: s})
		key, rec := issue(t, r, keys.Custom{Name: "a", Role: "editor", Scopes: []string{"x/*"}})

		calls := 0
		got, err := r.Update(ctx, rec.ID, func(st *keys.Settings) error {
			if calls++; calls == 1 { // a concurrent change comes first
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
		mapped := netip.PrefixFrom(netip.MustParseAddr("::ffff:10.0.0.0"), 80)
		_, err = r.Update(ctx, rec.ID, func(s *keys.Settings) error { s.AllowedIPs[0] = mapped; return nil })
		require.ErrorIs(t, err, keys.ErrRefused, "IPv4 in IPv6 form, even if its network is not")
		_, err = r.Update(ctx, "no-such-id", func(*keys.Settings) error { t.Fatal("asked"); return nil })
		require.ErrorIs(t, err, keys.ErrNotFound)

		user, err := r.IssueUser(ctx, "anna", keys.User{})
		require.NoError(t, err)
		_, err = r.Update(ctx, user.Record.ID, func(s *keys.Settings) error { s.Role = "admin"; return nil })
		require.ErrorIs(t, err, keys.ErrRefused, "a user key has no role of its own")

		calls = 0
		_, err = r.Update(ctx, rec.ID, func(s *keys.Settings) error { // each try meets a concurrent change
			s.Name += "!"
			if calls++; calls%2 == 1 {
				return r.Disable(ctx, rec.ID)
			}
			return r.Enable(ctx, rec.ID)
		})
		require.ErrorIs(t, err, keys.ErrConflict)
		require.Equal(t, 16, calls)

		require.NoError(t, r.Invalidate(ctx, rec.ID))
		_, err = r.Update(ctx, rec.ID, func(*keys.Settings) error { t.Fatal("asked"); return nil })
		require.ErrorIs(t, err, keys.ErrInvalidated, "even if the edit would change nothing")
	})
}

type errorText string

func (e errorText) Error() string { return string(e) }
