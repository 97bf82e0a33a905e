package keys

import (
	"context"

	"github.com/latchkey-go/latchkey/internal/fresh"
)

// A Feed tells what was changed in a [Store] that several nodes share. With one, a ring keeps what it found: see
// [Config.Feed]. Each committed change gives the store a [Revision] with a greater Number than the one before and a Tag
// drawn at random. Times of last use do not count.
//
// Its methods may be called concurrently. The suite in keystest checks its promises.
type Feed interface {
	// Changes returns the current revision, and the records that were changed, added or dropped after since. If the
	// store does not know the pair since, the answer has All: the log was trimmed, or the database was restored or lost
	// changes in a failover. After an answer, every Find must see all changes up to its revision; where the store has
	// replicas, both read the primary. Changes should give up when ctx is done. The zero Revision asks for the revision
	// alone.
	Changes(ctx context.Context, since Revision) (Changes, error)

	// Watch has f called soon after something may have changed, until stop is called: for a change made through
	// the store on this node, after its commit and before the changing call returns. For changes of other nodes it
	// only makes things faster. f is quick and may be called concurrently, and after stop was called too.
	Watch(f func()) (stop func())
}

// A Revision names one state of a store: a Number, which grows with each change, and a Tag, which is drawn at random
// for each change. Revisions are compared as pairs. The zero Revision names no state. Next returns the revision of a
// change that follows.
type Revision = fresh.Revision

// Changes is the answer of a [Feed].
type Changes struct {
	Revision Revision
	Keys     []Ref // in any order; a record may be there twice, and more may be there than was changed
	All      bool  // the records cannot be named: any may have changed
}

// A Ref names a record.
type Ref struct{ Space, ID string }
