package auth_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
)

func TestManyMissesForOneUserAskOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		cache := auth.CacheUsers(usersFunc(func(_ context.Context, id string) (auth.User, error) {
			calls.Add(1)
			time.Sleep(100 * time.Millisecond)
			return auth.User{ID: id, Role: "editor", Active: true}, nil
		}), time.Minute)
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				user, err := cache.User(t.Context(), "ada")
				require.NoError(t, err)
				require.Equal(t, "editor", user.Role)
			})
		}
		all.Wait()
		require.EqualValues(t, 1, calls.Load())

		// Who asks after Forget does not wait for a question from before it.
		cache.Forget("ada")
		go cache.User(t.Context(), "ada")
		synctest.Wait()
		cache.Forget("ada")
		_, err := cache.User(t.Context(), "ada")
		require.NoError(t, err)
		require.EqualValues(t, 3, calls.Load())
	})
}

// An open transaction of one request decides nothing for others, who would go on seeing what it rolled back.
func TestACachedUserIsNotOneOfATransaction(t *testing.T) {
	type transaction struct{}
	stored := "reader"
	cache := auth.CacheUsers(usersFunc(func(ctx context.Context, id string) (auth.User, error) {
		if role, ok := ctx.Value(transaction{}).(string); ok {
			return auth.User{ID: id, Role: role, Active: true}, nil
		}
		return auth.User{ID: id, Role: stored, Active: true}, nil
	}), time.Minute)
	for _, ctx := range []context.Context{context.WithValue(t.Context(), transaction{}, "editor"), t.Context()} {
		user, err := cache.User(ctx, "ada")
		require.NoError(t, err)
		require.Equal(t, "reader", user.Role)
	}
}
