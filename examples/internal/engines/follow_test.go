package engines_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/keys"
)

// A node hears of its own changes before the call returns, and of another one's when its ring polls, a Touch included.
func TestFollow(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		here, p := e.fresh(t)
		ctx := t.Context()
		now, later := make(chan struct{}, 100), make(chan struct{}, 100)
		stop := here.Follow(func() { now <- struct{}{} }, func(context.Context) error {
			later <- struct{}{}
			return nil
		})
		require.NoError(t, here.Touch(ctx))
		require.Len(t, now, 1)
		<-now
		<-later
		here.Wake()
		require.Len(t, now, 1)
		<-now
		<-later

		ring, err := keys.Open(keys.Config{Store: here.Keys(), Feed: here.Keys(), Staleness: 100 * time.Millisecond})
		require.NoError(t, err)
		issued, err := ring.IssueCustom(ctx, keys.Custom{})
		require.NoError(t, err)
		_, err = ring.Verify(ctx, issued.Key.Reveal())
		require.NoError(t, err)
		time.Sleep(200 * time.Millisecond) // the poll has seen all that was done here
		for len(now) > 0 {
			<-now
		}
		for len(later) > 0 {
			<-later
		}
		there, err := sqlstore.Open(ctx, p.db, e.dialect, p.options...)
		require.NoError(t, err)
		require.NoError(t, there.Touch(ctx))
		for _, heard := range []chan struct{}{now, later} {
			select {
			case <-heard:
			case <-time.After(5 * time.Second):
				t.Fatal("the poll did not tell")
			}
		}
		require.NoError(t, ring.Close(ctx))
		stop()
		for len(now) > 0 { // a poll that was late has told twice
			<-now
		}
		require.NoError(t, here.Touch(ctx))
		require.Empty(t, now)
		require.NoError(t, there.Close())
	})
}
