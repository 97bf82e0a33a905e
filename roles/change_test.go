package roles_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/roles"
)

func TestDirectorySaveAndDelete(t *testing.T) {
	follow(t, roles.Config{}, func(t *testing.T, d *roles.Directory, store *faulty) {
		ctx := t.Context()
		require.NoError(t, d.Save(ctx, mayWrite("editor")))
		require.True(t, d.Policy().Allows("editor", "write"), "the next request sees it")
		require.NoError(t, d.Save(ctx, roles.Role{AppID: "heir", Inherits: []string{"editor"}}))
		require.True(t, d.Policy().Allows("heir", "write"))

		_, before, err := store.Store.Load(ctx)
		require.NoError(t, err)
		for _, refused := range []roles.Role{
			{AppID: "admin"}, {AppID: "Editor"}, {AppID: ""}, {AppID: "editor", Inherits: []string{"heir"}},
			{AppID: "x", Permissions: roles.Grants{"a//b": true}}, {AppID: "x", Inherits: []string{"admin"}}, {AppID: "x", Inherits: []string{"ghost"}},
		} {
			require.NotEmpty(t, roles.Problems(d.Save(ctx, refused)), "%v", refused)
		}
		require.ErrorContains(t, d.Delete(ctx, "editor"), `role "heir": inherits from "editor"`)
		require.ErrorIs(t, d.Delete(ctx, "ghost"), roles.ErrNotFound)
		require.ErrorIs(t, d.Delete(ctx, "admin"), roles.ErrNotFound)
		_, after, err := store.Store.Load(ctx)
		require.NoError(t, err)
		require.Equal(t, before, after, "what is refused stores nothing")

		require.NoError(t, d.Delete(ctx, "heir"))
		require.False(t, d.Policy().Has("heir"))
		require.NoError(t, d.Delete(ctx, "editor"))
		require.False(t, d.Policy().Has("editor"))

		canceled, cancel := context.WithCancel(ctx)
		cancel()
		require.ErrorIs(t, d.Save(canceled, mayRead("editor")), context.Canceled)
		require.False(t, d.Policy().Has("editor"))
		require.NoError(t, d.Err(), "a caller who gave up is no failure of the store")
	})
}

func TestDirectorySaveShowsEvenIfStoreFailsAfterwards(t *testing.T) {
	follow(t, roles.Config{}, func(t *testing.T, d *roles.Directory, store *faulty) {
		var saved atomic.Bool
		store.set(func(_ context.Context, method string) error {
			if saved.Load() {
				return errDown
			}
			saved.Store(method == "Save")
			return nil
		})
		require.NoError(t, d.Save(t.Context(), mayWrite("editor")))
		require.False(t, d.Policy().Allows("editor", "read"))
		require.True(t, d.Policy().Allows("editor", "write"))
		require.ErrorIs(t, d.Err(), errDown)
		time.Sleep(staleness)
		synctest.Wait()
		require.Nil(t, d.Policy())
	})
}

func TestDirectorySaveTriesAgain(t *testing.T) {
	follow(t, roles.Config{}, func(t *testing.T, d *roles.Directory, store *faulty) {
		meddle := func(times int) {
			var n atomic.Int64
			store.set(func(_ context.Context, method string) error {
				if i := n.Load(); method == "Save" && i < int64(times) {
					n.Add(1)
					outside(t, store.Store, mayRead(fmt.Sprintf("other-%d", i)))
				}
				return nil
			})
		}
		meddle(3)
		require.NoError(t, d.Save(t.Context(), mayWrite("editor")))
		require.True(t, d.Policy().Allows("editor", "write"))
		require.True(t, d.Policy().Has("other-2"), "what others saved meanwhile is there too")
		meddle(5)
		require.ErrorIs(t, d.Save(t.Context(), mayRead("editor")), roles.ErrConflict)
		require.False(t, d.Policy().Allows("editor", "read"))

		store.set(func(_ context.Context, method string) error {
			if method == "Save" {
				return errDown
			}
			return nil
		})
		require.ErrorIs(t, d.Save(t.Context(), mayRead("editor")), errDown)
	})
}
