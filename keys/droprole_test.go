package keys_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

// After DropRole the keys have no role at the next request on this node, and on the others within the staleness.
func TestADroppedRoleIsGoneOnAllNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newShared()
		here, n := all.ring(t, keys.Config{})
		there, other := all.ring(t, keys.Config{Staleness: time.Second})
		texts := map[string]*keys.Ring{}
		for _, space := range []string{"", "acme"} {
			key, _ := issue(t, here.In(space), keys.Custom{Role: "editor"})
			n.warm(t, here.In(space), key)
			other.warm(t, there.In(space), key)
			texts[key] = here.In(space)
		}
		count, err := here.In("globex").DropRole(ctx, "editor")
		require.NoError(t, err)
		require.Equal(t, 2, count)
		for text, r := range texts {
			require.Empty(t, good(t, r, text).Record().Role)
		}
		time.Sleep(time.Second)
		for text, r := range texts {
			require.Empty(t, good(t, there.In(r.Space()), text).Record().Role)
		}
	})
}

func TestDropRoleRefusesTextsThatAreNoRole(t *testing.T) {
	r := open(t, keys.Config{Store: keys.NewMemoryStore()})
	for _, role := range []string{"", "a\n", "\xff", strings.Repeat("a", 1000)} {
		_, err := r.DropRole(ctx, role)
		require.ErrorIs(t, err, keys.ErrRefused, "%q", role)
	}
	require.NoError(t, r.Close(ctx))
	_, err := r.DropRole(ctx, "editor")
	require.ErrorIs(t, err, keys.ErrClosed)
}

func TestDropRoleThatFails(t *testing.T) {
	r, n := newShared().ring(t, keys.Config{})
	issue(t, r, keys.Custom{Role: "editor"})
	n.before.set(func(context.Context, string) error { return errDown })
	count, err := r.DropRole(ctx, "editor")
	require.ErrorIs(t, err, keys.ErrStore)
	require.Zero(t, count)
}
