// Package keystest tells whether a store of keys keeps the promises that a [keys.Ring] relies on.
//
// [TestStore] checks each sentence of the contract of [keys.Store] in a subtest that names it,
// [TestLastUsed] does so for [keys.LastUsedStore], and [TestFeed] for [keys.Feed]. A failure quotes the promise that
// broke. The suite opens a new store for every subtest, asks nothing of it but these interfaces, and suits stores in
// memory and in SQL.
//
// Three promises cannot be seen from outside and stay the author's: that a change is durable once a method
// returned nil, that Find is one indexed look-up, and that a method under way gives up when its context is
// done. Run the suite with -race.
//
// What the suite hands to a store is what a ring hands to it: records with IDs that are UUIDv7, texts that are
// valid UTF-8 without control characters, times in UTC with whole microseconds. It asks with any text, such as
// an ID that is none.
package keystest

import (
	"slices"
	"testing"

	"github.com/latchkey-go/latchkey/keys"
)

// TestStore checks each promise of [keys.Store] in its own subtest. open returns a new, empty store; what it
// needs to clean up it leaves to t.Cleanup.
func TestStore(t *testing.T, open func(*testing.T) keys.Store) {
	for _, c := range storeChecks() {
		t.Run(c.promise, func(t *testing.T) {
			c.run(&probe{tb: t, promise: c.promise, Store: open(t)})
		})
	}
}

// TestLastUsed checks each promise of [keys.LastUsedStore] in its own subtest. open returns a new, empty
// store and what records the times of use in it, which may be the same value.
func TestLastUsed(t *testing.T, open func(*testing.T) (keys.Store, keys.LastUsedStore)) {
	for _, c := range lastUsedChecks {
		t.Run(c.promise, func(t *testing.T) {
			store, uses := open(t)
			c.run(&probe{tb: t, promise: c.promise, Store: store, uses: uses})
		})
	}
}

// A check is one promise and how to find out whether a store keeps it. Checks are narrow on purpose: each looks
// at its own promise and takes the others for granted, so that a failure points at one thing.
type check struct {
	promise string
	run     func(p *probe)
}

func storeChecks() []check {
	return slices.Concat(findChecks, getChecks, listChecks, filterChecks, insertChecks(), soleChecks,
		updateChecks(), invalidateUserChecks, dropRoleChecks, deleteChecks, spaceChecks, textChecks, fieldChecks, timeChecks,
		isolationChecks, cancelledChecks, raceChecks)
}
