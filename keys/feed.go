package keys

import "context"

// A Feed tells what was changed in a [Store] that several nodes share. With one, a ring keeps what it found: see
// [Config.Feed]. The store counts its changes in a revision, which grows by at least one with every change that is
// committed, and never goes back. Times of last use do not count.
//
// Its methods may be called concurrently.
type Feed interface {
	// Changes returns the revision of the moment, and the records that were changed, added or dropped after
	// since. It must be read so that whoever saw a revision also sees, in every later Find, all changes up to it:
	// from the primary, where the store has replicas. It should give up when ctx is done. A since of 0 asks for
	// the revision alone.
	Changes(ctx context.Context, since uint64) (Changes, error)

	// Watch has f called soon after something may have changed, until stop is called: for a change made through
	// the store on this node, after its commit and before the changing call returns. For changes of other nodes it
	// only makes things faster. f is quick and may be called concurrently, and after stop was called too.
	Watch(f func()) (stop func())
}

// Changes is the answer of a [Feed].
type Changes struct {
	Revision uint64
	Keys     []Ref // in any order; a record may be there twice, and more may be there than was changed
	All      bool  // the records cannot be named: any may have changed
}

// A Ref names a record.
type Ref struct{ Space, ID string }
