package keys

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/latchkey-go/latchkey/internal/ask"
	"github.com/latchkey-go/latchkey/internal/fresh"
)

// A Ring issues, verifies, changes and invalidates the keys of one space. Make it with [NewRing] or [Open], and close it
// at the end. It is safe for concurrent use. The zero Ring refuses everything with [ErrClosed].
type Ring struct {
	*core
	space string
}

// core is the part of a ring that the views of all spaces share.
type core struct {
	store    Store
	memory   *MemoryStore // store, if it is one: called inline and without a lock
	cache    *cache       // of store's records; nil without a feed
	deadline *ask.Limit   // of calls of store on the request path
	format   Format
	digester digester
	random   io.Reader
	maxAge   time.Duration
	imported bool // look up texts without the checksum of a key
	sole     bool // one key per user
	onError  func(error)
	permit   func(context.Context, Record) error // Config.Check

	surveyed   sync.Map // of surveyID: done or running
	watchers   fresh.Listeners[Change]
	uses       lastUsed
	firstUses  firstUses
	background background

	closed        atomic.Bool
	life          context.Context // of work off the request path
	cancelLife    context.CancelFunc
	surveys       context.Context // of surveys, for which Close does not wait
	surveyPages   *ask.Limit
	cancelSurveys context.CancelFunc
}

// NewRing returns a ring with default settings over store. It panics if store is nil.
func NewRing(store Store) *Ring {
	r, err := Open(Config{Store: store})
	if err != nil {
		panic(err)
	}
	return r
}

// Open returns a ring configured by c, or an error that names every mistake in c. It does not wait for the store; see
// [Config.MaxAge] and [Config.ImportedKeys]. The ring serves the space ""; see [Ring.In].
func Open(c Config) (*Ring, error) {
	c = c.withDefaults()
	if err := c.check(); err != nil {
		return nil, err
	}
	k := &core{
		store:    c.Store,
		format:   Format{slices.Clone(c.UserPrefixes), slices.Clone(c.CustomPrefixes)},
		digester: newDigester(c.Peppers),
		random:   rand.Reader,
		maxAge:   c.MaxAge,
		imported: c.ImportedKeys,
		sole:     !c.SeveralPerUser,
		onError:  c.OnError,
		permit:   c.Check,
	}
	k.memory, _ = c.Store.(*MemoryStore)
	if k.deadline = inline; k.memory == nil && c.StoreTimeout != NeverBlocks {
		k.deadline = ask.New(ErrStore, c.StoreTimeout, c.MaxWaiting)
	}
	if c.LastUsed == nil && k.memory != nil {
		c.LastUsed = k.memory
	}
	k.uses.init(c.LastUsed, c.FlushEvery, k.report)
	if c.Feed != nil && k.memory == nil && c.Staleness != AlwaysAsk {
		k.cache = newCache(c, k.deadline, k.uses.release, k.report)
		k.store = notifyingStore{c.Store, k.cache}
	}
	k.background.slots = make(chan struct{}, maxBackground)
	k.life, k.cancelLife = context.WithCancel(context.Background())
	k.surveys, k.cancelSurveys = context.WithCancel(k.life)
	k.surveyPages = ask.New(ErrStore, surveyTimeout, 2)
	r := &Ring{k, ""}
	if r.maxAge > 0 {
		agedValues.begin(r)
	}
	if !r.imported {
		importedKeys.begin(r)
	}
	return r, nil
}

// In returns a view of one tenant's space that shares everything else with r, Close included. Keys and records of other
// spaces do not exist in it. A view is cheap and need not be closed by itself.
func (r *Ring) In(space string) *Ring { return &Ring{r.core, space} }

// Space returns the tenant that this ring is a view of; "" for a host without tenants.
func (r *Ring) Space() string { return r.space }

// Format returns the format of this ring's keys.
func (r *Ring) Format() Format {
	if r == nil || r.core == nil {
		return Format{}
	}
	return r.format
}

// Close stops the ring and all its views. It waits for first uses that are being recorded, writes the last-used times
// collected so far, and leaves nothing running. It returns an error if ctx was done before that, or if the times could not
// be written; call it again to retry. After Close every other method returns an error wrapping [ErrClosed].
func (r *Ring) Close(ctx context.Context) error {
	if r == nil || r.core == nil {
		return nil
	}
	r.closed.Store(true)
	r.cancelSurveys()
	err := r.background.close(ctx)
	r.cancelLife()
	return errors.Join(err, r.cache.close(ctx), r.uses.close(ctx))
}

// open returns an error if the ring is closed or was never opened.
func (r *Ring) open() error {
	if r == nil || r.core == nil || r.closed.Load() {
		return ErrClosed
	}
	return nil
}

// now returns the current time as records have it: UTC, in whole microseconds.
func now() time.Time { return inMicros(time.Now()) }

func inMicros(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

// inline is the limit of stores that never block.
var inline = ask.Inline(ErrStore)

// report passes an error that no caller receives to OnError.
func (k *core) report(err error) {
	if k.onError == nil {
		return
	}
	defer func() { recover() }() // no handler is left for a panic of OnError
	k.onError(err)
}

// storeError returns err, wrapped in ErrStore unless it is one of this package's errors.
func storeError(err error) error {
	for _, ours := range []error{ErrNotFound, ErrExists, ErrConflict, ErrInvalidated, ErrRefused, ErrClosed, ErrStore} {
		if errors.Is(err, ours) {
			return err
		}
	}
	return fmt.Errorf("%w: %w", ErrStore, err)
}
