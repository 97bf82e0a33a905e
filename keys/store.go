package keys

import (
	"context"
	"time"

	"github.com/latchkey-go/latchkey/internal/fresh"
)

// A Store stores records of issued keys. It never sees a key, only digests. A ring passes texts in valid UTF-8 without
// control characters, and times in UTC with whole microseconds.
//
// Its methods may be called concurrently, should give up when ctx is done (with an error that wraps ctx's), and must do
// nothing when ctx was done before they began. They copy arguments and results: a caller can't change a stored record by
// changing a slice. Texts are compared byte by byte: "A" is not "a" and "a " is not "a". A call for one space neither
// changes nor returns records of another, except DropRole: spaces share the roles. An error that wraps none of this
// package's errors is a store error, and the request that waited for it gets 503.
//
// The suite in keystest checks each of these promises. A store over a key-value database writes records with
// [EncodeRecord].
type Store interface {
	// Find returns the record in space whose Digest or Previous equals one of digests, or an error wrapping
	// [ErrNotFound]. It finds records in every state. The zero Digest finds nothing: a record whose Previous is zero has
	// no old value. Requests wait for Find, so it must be one indexed look-up. It must not retain or change digests.
	Find(ctx context.Context, space string, digests []Digest) (Record, error)

	// Get returns the record with this ID in space, or an error wrapping [ErrNotFound].
	Get(ctx context.Context, space, id string) (Record, error)

	// List returns the records in space that pass f, in ascending order of ID: at most f.Limit of those with an ID above
	// f.After, where a Limit of 0 means 100 and one above 1000 means 1000. A shorter list is the last page. An empty
	// list is not an error.
	List(ctx context.Context, space string, f Filter) ([]Record, error)

	// Insert adds r. It returns an error wrapping [ErrExists], and stores nothing, if the ID is taken in any
	// space, if Digest or Previous (unless zero) is the Digest or Previous of another record in r.Space, if
	// ForeignID (unless "") is taken in r.Space, or if r.Sole is set and r.Space holds a key of r.UserID that is
	// not invalidated.
	Insert(ctx context.Context, r Record) error

	// Update replaces the record with r's ID in r's space by r, in one step, if its Generation is r.Generation-1;
	// otherwise it returns an error wrapping [ErrConflict]. It returns one wrapping [ErrNotFound] if there is no such
	// record, [ErrInvalidated] if the record is invalidated, which is permanent (or ErrConflict if the Generation is wrong
	// too), and [ErrExists] if another record has one of r's digests or r's ForeignID. In these cases it changes nothing.
	// The stored Space, ID, Kind, UserID, CreatedAt and LastUsedAt stay. Of concurrent calls with one Generation exactly
	// one succeeds. When Update returns nil the change is durable.
	Update(ctx context.Context, r Record) error

	// InvalidateUser sets InvalidatedAt to at, and adds one to Generation, for all keys of this user in space that are not
	// invalidated yet, in one step, and returns their new records. No user has the empty ID: it invalidates no key.
	InvalidateUser(ctx context.Context, space, userID string, at time.Time) ([]Record, error)

	// DropRole sets Role to "", and adds one to Generation, for all keys of all spaces that have this role, in one
	// step, and returns their number. Invalidated keys lose it too: a role that is saved later under the same appid is
	// another role. The empty role changes no key.
	DropRole(ctx context.Context, role string) (int, error)

	// Delete deletes the record with this ID in space if it is invalidated. It returns an error wrapping [ErrNotFound] if
	// there is no such record, and [ErrConflict] if it is not invalidated.
	Delete(ctx context.Context, space, id string) error
}

// A Filter says which records List returns. Each field that is not zero narrows the list; they combine.
type Filter struct {
	Kind      Kind
	UserID    string
	Role      string
	ForeignID string
	State     State     // the state at time At
	At        time.Time // for State; a ring sets it
	Legacy    bool      // only legacy records
	// IssuedUntil selects values that were issued at this time or before: RefreshedAt counts, else CreatedAt. A record
	// with neither passes.
	IssuedUntil time.Time
	After       string // the ID of the last record of the previous page
	Limit       int    // 0 means 100; at most 1000 are returned
}

// A LastUsedStore records when keys were last used. It is called in batches, off the request path.
type LastUsedStore interface {
	// RecordUse sets LastUsedAt, and nothing else, of each record that exists to the given time if that is later than the
	// stored one. It skips records that do not exist, without an error.
	RecordUse(ctx context.Context, uses []Use) error
}

// A Use is one key's latest use, to be recorded.
type Use struct {
	Space, ID string
	At        time.Time
}

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
