package keys_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := keys.NewDeadline(time.Second, 1)
		n, err := keys.Ask(ctx, d, func(context.Context) (int, error) { return 7, nil })
		require.Equal(t, 7, n)
		require.NoError(t, err)
		require.Equal(t, error(errDown), do(ctx, d, func(context.Context) error { return errDown }), "an error of f is its own")

		err = do(ctx, d, func(context.Context) error { panic("a secret") })
		require.ErrorIs(t, err, keys.ErrStore)
		require.ErrorContains(t, err, "string")
		require.NotContains(t, err.Error(), "secret")
		err = do(ctx, nil, func(context.Context) error { panic(errors.New("a secret")) })
		require.ErrorIs(t, err, keys.ErrStore)
		require.NotContains(t, err.Error(), "secret")

		done, cancel := context.WithCancel(ctx)
		cancel()
		err = do(done, d, func(context.Context) error { t.Error("asked"); return nil })
		require.ErrorIs(t, err, keys.ErrStore)
		require.ErrorIs(t, err, context.Canceled)

		began := time.Now()
		err = do(ctx, d, func(context.Context) error { time.Sleep(time.Minute); return nil })
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(began))
		err = do(ctx, d, func(context.Context) error { t.Error("there was no place"); return nil })
		require.ErrorIs(t, err, keys.ErrStore)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 2*time.Second, time.Since(began), "waiting for a place counts")
		time.Sleep(time.Minute)
		require.NoError(t, do(ctx, d, func(context.Context) error { return nil }))
	})
	require.ErrorIs(t, do(ctx, new(keys.Deadline), func(context.Context) error { return nil }), keys.ErrStore, "the zero Deadline has no time")
	require.Panics(t, func() { keys.NewDeadline(0, 1) })
	require.Panics(t, func() { keys.NewDeadline(1, 0) })
}

// do asks for nothing but an error.
func do(ctx context.Context, d *keys.Deadline, f func(context.Context) error) error {
	_, err := keys.Ask(ctx, d, func(ctx context.Context) (struct{}, error) { return struct{}{}, f(ctx) })
	return err
}
