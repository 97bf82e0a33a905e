package keys

import (
	"context"

	"github.com/latchkey-go/latchkey/internal/fresh"
)

// A Feed reports the changes of a [Store] that several nodes share. With one, a ring caches records: see [Config.Feed]. Each
// committed change gives the store a [Revision] with a greater Number than the previous one and a random Tag. Changes of
// last-used times do not count.
//
// Its methods may be called concurrently. The suite in keystest checks its promises.
type Feed interface {
	// Changes returns the current revision, and the records that were changed, added or dropped after since. If the
	// store does not know the pair since, All is set: the log was trimmed, or the database was restored or lost changes in
	// a failover. After Changes returns, every Find must see all changes up to its revision; if the store has replicas,
	// both read the primary. Changes should give up when ctx is done. For the zero Revision it returns the revision only.
	Changes(ctx context.Context, since Revision) (Changes, error)

	// Watch calls f soon after a possible change, until stop is called. For a change made through the store on this node, it
	// must call f after the commit and before the changing call returns. For changes of other nodes, f only shortens the
	// delay. f is quick, and may be called concurrently and after stop.
	Watch(f func()) (stop func())
}

// A Revision names one state of a store: a Number, which grows with each change, and a Tag, which is random
// for each change. Revisions are compared as pairs. The zero Revision names no state. Next returns a
// revision for the next change.
type Revision = fresh.Revision

// Changes is the answer of [Feed.Changes].
type Changes struct {
	Revision Revision
	Keys     []Ref // in any order; may contain duplicates, and records that did not change
	All      bool  // the changed records are not known: any may have changed
}

// A Ref names a record.
type Ref struct{ Space, ID string }
