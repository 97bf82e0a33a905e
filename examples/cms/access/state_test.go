package access_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/examples/cms/access"
	"github.com/latchkey-go/latchkey/examples/cms/content"
)

const none = 9 // no item is stored, or no _state is given

// Without the permission to publish, an item never becomes more public than asked for.
func TestStateWithoutTheRightToPublish(t *testing.T) {
	store := opened(t)
	writes := caller(t, "content/*/create", "content/*/update")
	for i, c := range []struct {
		stored, asked, want int
		refused             bool
	}{
		{none, none, 1, false},
		{none, 1, 1, false},
		{none, 0, 0, false},
		{none, -1, -1, false},

		{1, none, 1, false},
		{1, 1, 1, false},
		{1, 0, 1, true},
		{1, -1, 1, true},

		{0, none, 0, false},
		{0, 1, 0, false},
		{0, 0, 0, false},
		{0, -1, 0, true},

		{-1, none, -1, false},
		{-1, 1, -1, false},
		{-1, 0, -1, false},
		{-1, -1, -1, false},
	} {
		for _, kind := range []string{content.Collection, content.Tree, content.Singleton} {
			for _, anew := range []bool{false, true} { // a singleton is also overwritten without an _id
				if anew && (kind != content.Singleton || c.stored == none) {
					continue
				}
				about := fmt.Sprintf("%s, _state %d, asked for %d, anew: %t", kind, c.stored, c.asked, anew)
				m := content.Model{Name: fmt.Sprintf("%s-%d-%t", kind, i, anew), Type: kind}
				id := ""
				sent := content.Item{"title": "new"}
				if c.stored != none {
					old, err := store.Create(t.Context(), m, content.Item{"title": "old", "_state": c.stored}, content.Writer{})
					require.NoError(t, err, about)
					if id = old.ID(); !anew {
						sent["_id"] = id
					}
				}
				if c.asked != none {
					sent["_state"] = c.asked
				}
				saved, err := access.New(store).Save(writes, m, sent)
				title := "new"
				if c.refused {
					refusal := &auth.Refusal{}
					require.ErrorAs(t, err, &refusal, about)
					require.Equal(t, http.StatusForbidden, refusal.Status, about)
					require.Equal(t, content.Permission(m.Name, content.Publish), refusal.Missing, about)
					title = "old"
				} else {
					require.NoError(t, err, about)
					id = saved.ID()
				}
				item, err := store.Draft(t.Context(), m, id)
				require.NoError(t, err, about)
				state, ok := item.State()
				require.True(t, ok, about)
				require.Equal(t, c.want, state, about)
				require.Equal(t, title, item["title"], about)
				if answered, there := saved["_state"]; there {
					require.Equal(t, fmt.Sprint(state), fmt.Sprint(answered), "%s: what is answered", about)
				}
			}
		}
	}
}

// With the permission to publish, the item gets the requested _state.
func TestStateWithTheRightToPublish(t *testing.T) {
	store := opened(t)
	publishes := caller(t, "content/*/create", "content/*/update", "content/*/publish")
	for _, m := range []content.Model{posts, notes, {Name: "site", Type: content.Singleton}} {
		item, err := access.New(store).Save(publishes, m, content.Item{"title": "x"})
		require.NoError(t, err)
		require.Equal(t, "1", fmt.Sprint(item["_state"]), m.Name)
		for _, asked := range []int{0, 1, -1, 1} {
			item, err := access.New(store).Save(publishes, m, content.Item{"_id": item.ID(), "_state": asked})
			require.NoError(t, err)
			require.Equal(t, asked, item["_state"], m.Name)
			_, err = store.Item(t.Context(), m, item.ID(), content.Query{})
			if asked == 1 {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, content.ErrNotFound)
			}
		}
	}
}

// An unknown _state is refused, not ignored: the item would be published.
func TestStatesThatDoNotExist(t *testing.T) {
	store := opened(t)
	writes := caller(t, "content/*/create", "content/*/update")
	for _, state := range []any{nil, "0", "1", "", false, true, 2, -2, json.Number("0.0"), json.Number("1e0"), 0.5, []any{}, content.Item{}} {
		_, err := access.New(store).Save(writes, posts, content.Item{"title": "x", "_state": state})
		require.ErrorIs(t, err, content.ErrState, "%#v", state)
		_, err = access.New(store).Save(writes, posts, content.Item{"_id": "one", "_state": state})
		require.ErrorIs(t, err, content.ErrState, "%#v", state)
	}
	items, _, err := store.Items(t.Context(), posts, content.Query{})
	require.NoError(t, err)
	require.Len(t, items, 1, "nothing was stored")
}
