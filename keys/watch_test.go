package keys_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

func TestWatch(t *testing.T) {
	onBoth(t, func(t *testing.T, s keys.Store) {
		var reported []error
		r := open(t, keys.Config{Store: s, ImportedKeys: true, OnError: func(err error) { reported = append(reported, err); panic("in the reporter") }})
		var here, elsewhere []string
		var key string
		stop := r.Watch(func(c keys.Change) {
			here = append(here, c.What)
			require.Empty(t, c.Space)
			require.Equal(t, c.What == "role dropped", c.ID == "", "a change of any key names none")
			if c.What == "disabled" { // the change is visible
				refused(t, r, key, keys.ErrDisabled)
			}
		})
		stopOther := r.In("b").Watch(func(c keys.Change) { elsewhere = append(elsewhere, c.Space+c.UserID+c.What) })
		defer stopOther()
		stopPanic := r.Watch(func(keys.Change) { panic("watcher: API-secret") })

		view := r.In("b").In("")
		issued, err := view.IssueUser(ctx, "anna", keys.User{})
		require.NoError(t, err)
		key = issued.Key.Reveal()
		stopPanic()
		require.Len(t, reported, 1)
		require.NotContains(t, reported[0].Error(), "secret")
		id := issued.Record.ID
		require.NoError(t, r.Disable(ctx, id))
		require.NoError(t, r.Disable(ctx, id)) // no change, no notification
		require.NoError(t, r.Enable(ctx, id))
		_, err = r.Update(ctx, id, func(s *keys.Settings) error { s.Name = "n"; return nil })
		require.NoError(t, err)
		_, err = r.Refresh(ctx, id, keys.Renewal{})
		require.NoError(t, err)
		_, err = r.Refresh(ctx, id, keys.Renewal{Overlap: -1})
		require.Error(t, err)
		_, err = r.InvalidateUser(ctx, "anna")
		require.NoError(t, err)
		require.NoError(t, r.Invalidate(ctx, id))
		require.NoError(t, r.Remove(ctx, id))
		_, err = r.Import(ctx, keys.Imported{Kind: keys.KindCustom, Text: keys.NewKey(legacyText)})
		require.NoError(t, err)
		_, err = r.In("b").IssueUser(ctx, "bert", keys.User{})
		require.NoError(t, err)
		_, err = r.In("a").IssueCustom(ctx, keys.Custom{Role: "editor"})
		require.NoError(t, err)
		n, err := r.DropRole(ctx, "editor")
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Equal(t, "role dropped", here[len(here)-1], "before the method returns")
		_, err = r.DropRole(ctx, "editor") // no change, no notification
		require.NoError(t, err)
		stop()
		stop()
		issue(t, r, keys.Custom{})
		require.Equal(t, []string{"issued", "disabled", "enabled", "updated", "refreshed", "invalidated", "removed", "imported", "role dropped"}, here)
		require.Equal(t, []string{"bbertissued", "brole dropped"}, elsewhere)
	})
}
