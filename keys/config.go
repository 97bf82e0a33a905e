package keys

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/latchkey-go/latchkey/internal/ask"
)

// Values of durations in [Config].
const (
	AlwaysAsk   time.Duration = -1 // as Staleness: the ring caches nothing and asks Store each time
	NeverBlocks time.Duration = -1 // as StoreTimeout: Store answers at once
)

// Config says how a ring works. Only Store is needed. It is read once, by [Open].
type Config struct {
	Store Store // required
	// LastUsed receives the times of last use. If it is nil, they are not recorded, unless Store is a [*MemoryStore], which
	// records them itself.
	LastUsed LastUsedStore

	// Feed reports the changes of other nodes. With it the ring caches records, and most requests do not ask Store. Nil:
	// Store is asked each time. It is not used with a *MemoryStore, which needs none.
	Feed Feed
	// Staleness is the longest time after which a change on another node acts on this one. Feed is polled at least twice in
	// that time. If it fails for that long, Store is asked each time. 0 means 5 seconds; [AlwaysAsk] does not use Feed.
	Staleness time.Duration
	// CacheBytes is the most memory that cached records take. 0 means 64 MiB.
	CacheBytes int64

	// UserPrefixes and CustomPrefixes are the prefixes of each kind of key. New keys have the first; all are accepted. Nil
	// means "USR-" and "API-". A prefix has 2 to 32 of A-Z a-z 0-9 _ -, begins with a letter or digit and ends with - or _.
	// No prefix may begin with another.
	UserPrefixes, CustomPrefixes []string
	// Peppers are mixed into digests. New digests have the first; a look-up tries each of them, and a digest without
	// pepper. To rotate, put a new pepper in front; remove an old one once no key depends on it.
	Peppers []Pepper

	// ImportedKeys lets [Ring.Import] accept keys that were made elsewhere, and [Ring.Verify] look up texts that fail the
	// checksum, as those keys do. Each text that is not a key then costs one call of Store; with a Feed, the same text
	// costs one call a second, and one after each change. If ImportedKeys is false, such a text is neither hashed nor looked up. If Store holds
	// imported keys anyway, OnError receives one error for each space that has some: for "" after Open, for another space
	// after its keys were listed.
	ImportedKeys bool
	// MaxAge is the longest time for which a value is valid, counted from the record's RefreshedAt, else from its
	// CreatedAt, else from its import. It also ends values that were issued before it was set: the ring counts them once
	// for each space, in the background, and OnError receives their number; see [Filter.IssuedUntil]. The ExpiresAt of a
	// record from a ring includes MaxAge. A later expiry is refused. 0 means no limit.
	MaxAge time.Duration
	// SeveralPerUser lets a user have several keys that are not invalidated. False means one, as in Cockpit.
	SeveralPerUser bool

	// Check is asked before a new key is stored, and before a key gets another role: whether there is such a role, or such a
	// user. If it returns an error, nothing is stored and the caller gets that error; one that wraps [ErrRefused] is the
	// caller's mistake. Import does not ask it. Nil: any text is a role, and any user ID is a user.
	Check func(context.Context, Record) error

	// StoreTimeout is the deadline of one call of Store while a request waits. 0 means one second. With [NeverBlocks],
	// Store is called without a deadline, as a *MemoryStore always is.
	StoreTimeout time.Duration
	// MaxWaiting is the number of such calls that may run at once; others wait for one to return, until their deadline.
	// 0 means 256.
	MaxWaiting int
	// FlushEvery is the time for which last-used times are collected before LastUsed receives them in one batch. 0 means
	// 30 seconds.
	FlushEvery time.Duration

	// OnError receives errors that no caller receives: last-used times that could not be written, the first use of a
	// refreshed key that could not be recorded, the number of values that MaxAge ends, imported keys that the ring refuses,
	// a corrupt record, a watcher that panicked. It may be called concurrently and should be quick. Nil ignores them.
	OnError func(error)
}

// check returns an error that names every mistake in c.
func (c *Config) check() error {
	var mistakes []error
	mistake := func(made bool, format string, a ...any) {
		if made {
			mistakes = append(mistakes, fmt.Errorf(format, a...))
		}
	}
	mistake(ask.IsNil(c.Store), "Store is missing")
	mistake(c.LastUsed != nil && ask.IsNil(c.LastUsed), "LastUsed holds a nil pointer")
	mistake(c.Feed != nil && ask.IsNil(c.Feed), "Feed holds a nil pointer")
	mistake(c.Staleness < 0 && c.Staleness != AlwaysAsk, "Staleness is negative")
	mistake(c.StoreTimeout < 0 && c.StoreTimeout != NeverBlocks, "StoreTimeout is negative")
	mistake(c.CacheBytes < 0, "CacheBytes is negative")
	mistake(len(c.UserPrefixes) == 0 || len(c.CustomPrefixes) == 0, "at least one user and one custom prefix are needed")
	prefixes := slices.Concat(c.UserPrefixes, c.CustomPrefixes)
	for i, p := range prefixes {
		mistake(!goodPrefix(p), "prefix %q is not 2 to 32 of A-Z a-z 0-9 _ - that begin with a letter or digit and end with - or _", p)
		for j, q := range prefixes {
			mistake(i != j && strings.HasPrefix(p, q) && (p != q || i > j), "prefix %q begins with prefix %q", p, q)
		}
	}
	for i, p := range c.Peppers {
		mistake(!goodPepperID(p.id), "pepper ID %q is not 1 to 64 of A-Z a-z 0-9 _ - .", p.id)
		mistake(len(p.secret()) < 16, "pepper %q has a secret of %d bytes; it needs 16 or more", p.id, len(p.secret()))
		same := func(q Pepper) bool { return q.id == p.id }
		mistake(slices.ContainsFunc(c.Peppers[:i], same), "pepper ID %q is there twice", p.id)
	}
	mistake(c.MaxAge < 0, "MaxAge is negative")
	mistake(c.MaxWaiting < 0, "MaxWaiting is negative")
	mistake(c.FlushEvery < 0, "FlushEvery is negative")
	if mistakes == nil {
		return nil
	}
	return fmt.Errorf("keys: bad configuration: %w", errors.Join(mistakes...))
}

// withDefaults returns c with the default of every zero field that has one.
func (c Config) withDefaults() Config {
	if c.UserPrefixes == nil {
		c.UserPrefixes = []string{"USR-"}
	}
	if c.CustomPrefixes == nil {
		c.CustomPrefixes = []string{"API-"}
	}
	if c.Check == nil {
		c.Check = func(context.Context, Record) error { return nil }
	}
	c.StoreTimeout = cmp.Or(c.StoreTimeout, time.Second)
	c.MaxWaiting = cmp.Or(c.MaxWaiting, 256)
	c.Staleness = cmp.Or(c.Staleness, 5*time.Second)
	c.CacheBytes = cmp.Or(c.CacheBytes, 64<<20)
	c.FlushEvery = cmp.Or(c.FlushEvery, 30*time.Second)
	return c
}

func goodPrefix(p string) bool {
	return len(p) >= 2 && len(p) <= 32 && madeOf(p, "_-") && alphanumeric(p[0]) && !alphanumeric(p[len(p)-1])
}

func goodPepperID(id string) bool { return len(id) >= 1 && len(id) <= 64 && madeOf(id, "_-.") }

// madeOf reports whether s consists of letters and digits of ASCII and the bytes in others.
func madeOf(s, others string) bool {
	for i := range len(s) {
		if !alphanumeric(s[i]) && strings.IndexByte(others, s[i]) < 0 {
			return false
		}
	}
	return true
}
