package ask_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/internal/ask"
)

var (
	ctx       = context.Background()
	errFailed = errors.New("store error")
	errDown   = errors.New("down")
)

func TestDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := ask.New(errFailed, time.Second, 1)
		n, err := ask.Do(ctx, l, func(context.Context) (int, error) { return 7, nil })
		require.Equal(t, 7, n)
		require.NoError(t, err)
		require.Equal(t, errDown, do(ctx, l, func(context.Context) error { return errDown }), "an error of f is its own")

		err = do(ctx, l, func(context.Context) error { panic("a secret") })
		require.ErrorIs(t, err, errFailed)
		require.ErrorContains(t, err, "string")
		require.NotContains(t, err.Error(), "secret")
		require.ErrorIs(t, do(ctx, l, func(context.Context) error { runtime.Goexit(); return nil }), errFailed)

		done, cancel := context.WithCancel(ctx)
		cancel()
		err = do(done, l, func(context.Context) error { t.Error("asked"); return nil })
		require.ErrorIs(t, err, errFailed)
		require.ErrorIs(t, err, context.Canceled)

		began := time.Now()
		err = do(ctx, l, func(context.Context) error { time.Sleep(time.Minute); return nil })
		require.ErrorIs(t, err, errFailed)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(began))
		err = do(ctx, l, func(context.Context) error { t.Error("there was no place"); return nil })
		require.ErrorIs(t, err, errFailed)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 2*time.Second, time.Since(began), "waiting for a place counts")
		time.Sleep(time.Minute)
		require.NoError(t, do(ctx, l, func(context.Context) error { return nil }))
	})
	require.Panics(t, func() { ask.New(errFailed, 0, 1) })
	require.Panics(t, func() { ask.New(errFailed, 1, 0) })
}

func TestInline(t *testing.T) {
	l := ask.Inline(errFailed)
	type value struct{}
	given := context.WithValue(ctx, value{}, 1)
	require.NoError(t, do(given, l, func(ctx context.Context) error { require.Equal(t, given, ctx); return nil }))
	err := do(ctx, l, func(context.Context) error { panic(errors.New("a secret")) })
	require.ErrorIs(t, err, errFailed)
	require.NotContains(t, err.Error(), "secret")
}

// do calls f, which returns nothing but an error.
func do(ctx context.Context, l *ask.Limit, f func(context.Context) error) error {
	_, err := ask.Do(ctx, l, func(ctx context.Context) (struct{}, error) { return struct{}{}, f(ctx) })
	return err
}
