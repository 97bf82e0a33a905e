package keys_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

func networks(texts ...string) (list []netip.Prefix) {
	for _, s := range texts {
		p, _ := netip.ParsePrefix(s)
		if s == "::ffff:10.0.0.0/104" { // ParsePrefix takes no such thing
			p = netip.PrefixFrom(netip.MustParseAddr("::ffff:10.0.0.0"), 104)
		}
		list = append(list, p)
	}
	return list
}

func TestAllowsAddr(t *testing.T) {
	r := open(t, keys.Config{Store: keys.NewMemoryStore()})
	for _, c := range []struct {
		from string
		addr string
		want bool
	}{
		{"", "192.0.2.1", true},
		{"", "", true}, // no networks
		{"10.0.0.0/8", "10.200.3.4", true},
		{"10.77.0.0/8", "10.200.3.4", true}, // host bits do not count
		{"10.0.0.0/8", "::ffff:10.1.1.1", true},
		{"10.0.0.0/8", "11.0.0.0", false},
		{"10.0.0.0/8", "::10.0.0.1", false},
		{"10.0.0.0/8", "", false},
		{"10.0.0.0/8", "::1", false},
		{"0.0.0.0/0", "::1", false},
		{"::/0", "10.0.0.1", false},
		{"::/0", "::ffff:10.0.0.1", false},
		{"2001:db8::/32", "2001:db8:1::1", true},
		{"2001:db8::/32", "2001:db9::", false},
		{"fe80::/10", "fe80::1%eth0", true}, // as net/http tells a link-local peer
		{"fe80::/10", "fe80::1", true},
		{"fe80::1/128", "fe80::1%eth0", true},
		{"fe80::1/128", "fe80::2%eth0", false},
		{"fe80::/10", "fec0::1%eth0", false},
		{"10.0.0.0/8", "::ffff:10.1.1.1%eth0", true},
		{"10.0.0.0/8", "::ffff:11.1.1.1%eth0", false},
		{"::/0", "::ffff:10.0.0.1%eth0", false},
	} {
		var custom keys.Custom
		if c.from != "" {
			custom.AllowedIPs = networks("192.0.2.77/32", c.from)
		}
		key, _ := issue(t, r, custom)
		addr, _ := netip.ParseAddr(c.addr)
		require.Equal(t, c.want, good(t, r, key).AllowsAddr(addr), "%s from %s", c.addr, c.from)
	}
}

func TestZeroVerifiedIsNothing(t *testing.T) {
	var v keys.Verified
	require.False(t, v.AllowsAddr(netip.MustParseAddr("127.0.0.1")))
	require.Empty(t, slices.Collect(v.Scopes()))
	require.Empty(t, v.ID()+string(v.Kind())+v.Name()+v.UserID()+v.Role()+v.Record().Space)
	require.True(t, v.ExpiresAt().IsZero())
	require.Equal(t, keys.Record{}, v.Record())
	_, err := open(t, keys.Config{Store: keys.NewMemoryStore()}).Recheck(ctx, v)
	require.ErrorIs(t, err, keys.ErrUnknown)
}

func TestVerifiedIsImmutable(t *testing.T) {
	onBoth(t, func(t *testing.T, s keys.Store) {
		r := open(t, keys.Config{Store: s})
		scopes, from := []string{"a/b"}, networks("10.0.0.0/8")
		key, rec := issue(t, r, keys.Custom{Scopes: scopes, AllowedIPs: from})
		scopes[0], rec.Scopes[0] = "**", "**"
		v := good(t, r, key)
		v.Record().Scopes[0] = "**"
		v.Record().AllowedIPs[0] = networks("0.0.0.0/0")[0]
		require.Equal(t, []string{"a/b"}, slices.Collect(v.Scopes()))
		require.Equal(t, networks("10.0.0.0/8"), v.Record().AllowedIPs)
		require.Equal(t, []string{"a/b"}, slices.Collect(good(t, r, key).Scopes()))
	})
}

// Recheck refuses a key whose record was removed, even if the same text is imported again.
func TestRecheckIsAboutTheSameRecord(t *testing.T) {
	onBoth(t, func(t *testing.T, s keys.Store) {
		r := open(t, keys.Config{Store: s, ImportedKeys: true})
		in := keys.Imported{Kind: keys.KindCustom, Role: "editor", Text: keys.NewKey(legacyText)}
		first, err := r.Import(ctx, in)
		require.NoError(t, err)
		v := good(t, r, legacyText)
		require.NoError(t, r.Invalidate(ctx, first.ID))
		require.NoError(t, r.Remove(ctx, first.ID))
		second, err := r.Import(ctx, in)
		require.NoError(t, err)
		_, err = r.Recheck(ctx, v)
		require.ErrorIs(t, err, keys.ErrUnknown)
		v = good(t, r, legacyText)
		require.Equal(t, second.ID, v.ID())
		_, err = r.Recheck(ctx, v)
		require.NoError(t, err)
	})
}

// A key of one tenant does not exist for another.
func TestSpaces(t *testing.T) {
	onBoth(t, func(t *testing.T, s keys.Store) {
		r := open(t, keys.Config{Store: s})
		a, b := r.In("a"), r.In("b")
		key, rec := issue(t, a, keys.Custom{Name: "of a"})
		v := good(t, a, key)
		require.Equal(t, "a", v.Record().Space)
		for _, other := range []*keys.Ring{r, b, r.In("A"), r.In("a "), a.In("")} {
			refused(t, other, key, keys.ErrUnknown)
			_, err := other.Recheck(ctx, v)
			require.ErrorIs(t, err, keys.ErrUnknown)
			_, err = other.Get(ctx, rec.ID)
			require.ErrorIs(t, err, keys.ErrNotFound)
			_, err = other.Refresh(ctx, rec.ID, keys.Renewal{})
			require.ErrorIs(t, err, keys.ErrNotFound)
			_, err = other.Update(ctx, rec.ID, func(s *keys.Settings) error { s.Role = "admin"; return nil })
			require.ErrorIs(t, err, keys.ErrNotFound)
			for _, change := range []func() error{
				func() error { return other.Invalidate(ctx, rec.ID) },
				func() error { return other.Disable(ctx, rec.ID) },
				func() error { return other.Enable(ctx, rec.ID) },
				func() error { return other.Remove(ctx, rec.ID) },
			} {
				require.ErrorIs(t, change(), keys.ErrNotFound)
			}
			list, err := other.List(ctx, keys.Filter{})
			require.NoError(t, err)
			require.Empty(t, list)
		}
		good(t, a, key)
	})
}
