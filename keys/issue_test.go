package keys_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

func TestMaxAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, keys.Config{Store: keys.NewMemoryStore(), MaxAge: time.Hour, ImportedKeys: true})
		_, rec := issue(t, r, keys.Custom{})
		require.Equal(t, rec.CreatedAt.Add(time.Hour), rec.ExpiresAt, "no expiry means the longest")

		_, err := r.IssueCustom(ctx, keys.Custom{ExpiresAt: time.Now().Add(time.Hour + 1e3)})
		require.ErrorIs(t, err, keys.ErrRefused)
		late := keys.Imported{Kind: keys.KindCustom, Text: keys.NewKey(legacyText), ExpiresAt: time.Now().Add(2 * time.Hour)}
		_, err = r.Import(ctx, late)
		require.ErrorIs(t, err, keys.ErrRefused)
		_, err = r.CheckImport(ctx, late)
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

// Times are stored in whole microseconds, even if a key's life is not one.
func TestMaxAgeInMicroseconds(t *testing.T) {
	r := open(t, keys.Config{Store: keys.NewMemoryStore(), MaxAge: time.Hour + 1})
	_, rec := issue(t, r, keys.Custom{})
	require.Equal(t, rec.CreatedAt.Add(time.Hour), rec.ExpiresAt)
	for _, at := range []time.Time{rec.CreatedAt.Add(time.Minute), {}} {
		var err error
		rec, err = r.Update(ctx, rec.ID, func(s *keys.Settings) error { s.ExpiresAt = at; return nil })
		require.NoError(t, err)
	}
	require.Equal(t, rec.CreatedAt.Add(time.Hour), rec.ExpiresAt)
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
		require.ErrorIs(t, err, keys.ErrExists, "a disabled key counts too")
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
