package admin

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
)

func TestCostlyOperationsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue{turn: make(chan struct{}, 1)}
		end, err := q.take(t.Context(), "user:ada")
		require.NoError(t, err)

		_, err = q.take(t.Context(), "user:ada")
		refusal, ok := errors.AsType[*auth.Refusal](err)
		require.True(t, ok, "a caller has one place")
		require.Equal(t, 429, refusal.Status)

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = q.take(ctx, "user:bob")
		require.ErrorIs(t, err, context.DeadlineExceeded, "one runs at a time")

		next := make(chan func())
		go func() {
			end, err := q.take(t.Context(), "user:bob")
			require.NoError(t, err)
			next <- end
		}()
		synctest.Wait()
		_, err = q.take(t.Context(), "user:bob")
		require.ErrorAs(t, err, &refusal, "running or waiting")
		end()
		(<-next)()

		end, err = q.take(t.Context(), "user:ada")
		require.NoError(t, err, "the place is free again")
		end()
		q.callers.Range(func(caller, _ any) bool { t.Errorf("%v has a place", caller); return true })
	})
}
