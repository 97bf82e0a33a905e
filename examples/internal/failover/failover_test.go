package failover

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/examples/internal/pgserver"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

const (
	writers = 16
	readers = 64
)

// LATCHKEY_LONG=1 makes ten failovers.
func TestFailovers(t *testing.T) {
	if testing.Short() {
		t.Skip("servers of their own")
	}
	failovers := 2
	if os.Getenv("LATCHKEY_LONG") != "" {
		failovers = 10
	}
	c := &cluster{t: t}
	c.use(pgserver.Start(t))
	require.NoError(t, sqlstore.Migrate(t.Context(), c.open(), sqlstore.PostgreSQL))
	nodes := []*node{c.node(), c.node(), c.node()}
	for _, n := range nodes {
		defer n.close(t)
	}
	for i := range failovers {
		synchronous := i%2 == 0
		if !t.Run(fmt.Sprint(i+1, ", synchronous ", synchronous), func(t *testing.T) { c.failover(t, nodes, synchronous) }) {
			return
		}
	}
}

// failover kills the primary under load and promotes its standby. A synchronous standby has every acknowledged write. An
// asynchronous one lacks those of the last half second or more.
func (c *cluster) failover(t *testing.T, nodes []*node, synchronous bool) {
	standby := c.primary.Standby(c.t)
	alter(t, standby, "wal_retrieve_retry_interval", "100ms") // or the promotion may wait for five seconds
	if synchronous {
		alter(t, c.primary, "synchronous_standby_names", "*")
		await(t, "a synchronous standby", func() bool {
			return query(t, c.primary, "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == "1"
		})
	}
	l := newLedger()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var writing, reading sync.WaitGroup
	for i := range writers {
		writing.Go(func() { l.write(ctx, nodes[i%len(nodes)], i) })
	}
	readCtx, stopReading := context.WithCancel(t.Context())
	defer stopReading()
	for i := range readers {
		reading.Go(func() { l.read(readCtx, nodes[i%len(nodes)], synchronous) })
	}
	await(t, "writes", func() bool { return l.count() > 200 })
	if !synchronous {
		alter(t, standby, "primary_conninfo", "")
		await(t, "the standby to stop", func() bool { return query(t, standby, "SELECT count(*) FROM pg_stat_wal_receiver") == "0" })
		more := l.count() + 100
		await(t, "writes that will be lost", func() bool { return l.count() > more })
	}
	seen, err := nodes[0].store.Keys().Changes(t.Context(), keys.Revision{})
	require.NoError(t, err)

	c.primary.Kill(t)
	killed, before := time.Now(), l.count()
	standby.Promote(t)
	store := c.direct(standby)
	direct := keys.NewRing(store.Keys()) // it has no cache
	if !synchronous {
		now, err := store.Keys().Changes(t.Context(), seen.Revision)
		require.NoError(t, err)
		require.True(t, now.All, "the new primary lacks revision %v", seen.Revision)
		for now.Revision.Number <= seen.Revision.Number { // another node was quicker to connect
			require.NoError(t, store.Touch(t.Context()))
			now, err = store.Keys().Changes(t.Context(), keys.Revision{})
			require.NoError(t, err)
		}
	}
	c.use(standby)
	for _, n := range nodes {
		await(t, "a node to connect", func() bool { return n.db.PingContext(t.Context()) == nil })
	}
	connected := time.Now()

	// What was done before the failover is the same on each node and the primary.
	var old []value
	l.locked(func() {
		for _, v := range l.values {
			if v.touched.Before(killed) && (!v.begun || !v.ended.IsZero()) { // not the ones under way
				old = append(old, *v)
			}
		}
	})
	agree(t, nodes, direct, old, connected.Add(staleness))
	await(t, "writes after the failover", func() bool { return l.count() > before+100 })
	stop()
	writing.Wait()
	deadline := time.Now().Add(staleness)
	stopReading()
	reading.Wait()
	require.Empty(t, l.wrong)

	var all []value
	for _, v := range l.values {
		all = append(all, *v)
	}
	agree(t, nodes, direct, all, deadline)
	stored, _, err := nodes[0].store.Roles().Load(t.Context())
	require.NoError(t, err)
	policy, err := roles.Compile(stored...)
	require.NoError(t, err)
	for _, r := range stored {
		var edit int
		_, err := fmt.Sscan(r.Name, &edit)
		require.NoError(t, err)
		for i, n := range nodes {
			require.True(t, by(deadline, func() bool { return n.directory.Policy().Allows(r.AppID, grant(edit)) }), "node %d has the stored role %s", i, r.AppID)
			require.NoError(t, n.directory.Err())
		}
		if synchronous {
			require.GreaterOrEqual(t, edit, l.roles[r.AppID], "an acknowledged edit of %s is lost", r.AppID)
		}
	}
	lost := 0
	for _, v := range all {
		_, err := direct.Verify(t.Context(), v.secret)
		if good := err == nil; !v.unsure && good != v.ended.IsZero() {
			lost++
		}
	}
	if synchronous {
		require.Zero(t, lost, "acknowledged writes lost")
		for appid := range l.roles {
			require.True(t, policy.Has(appid), "an acknowledged role is lost")
		}
	}
	t.Logf("%d acknowledged writes, %d values, %d with an acknowledged change that is lost", l.count(), len(all), lost)
}

// agree checks that each node has the verdict of the primary on the latest of these values, at the deadline or before.
func agree(t *testing.T, nodes []*node, primary *keys.Ring, values []value, deadline time.Time) {
	t.Helper()
	require.NotEmpty(t, values)
	for _, v := range values[max(0, len(values)-200):] { // the latest
		want := verdict(t, primary, v.secret)
		for i, n := range nodes {
			require.True(t, by(deadline, func() bool { return verdict(t, n.ring, v.secret) == want }), "node %d, a value that is good: %v", i, want)
		}
	}
}

// by reports whether it is so at the deadline, or before.
func by(deadline time.Time, so func() bool) bool {
	for {
		late := time.Now().After(deadline)
		if ok := so(); ok || late {
			return ok
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// verdict returns whether the key is good. An error of the store is none, and on a busy machine it is asked again.
func verdict(t *testing.T, r *keys.Ring, secret string) (good bool) {
	t.Helper()
	await(t, "a verdict", func() bool {
		_, err := r.Verify(t.Context(), secret)
		good = err == nil
		return good || errors.Is(err, keys.ErrInvalid)
	})
	return good
}

// await waits until it is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			require.Fail(t, "still waiting for "+what)
		}
	}
}
