package keystest

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/latchkey-go/latchkey/keys"
)

// A fed store is a memory store with a feed. What is set in faults makes the feed worse.
type fed struct {
	mu       sync.Mutex
	store    *keys.MemoryStore
	log      []entry
	watchers []func()
	counter  uint64 // of changes; a restore does not set it back
	faults
}

// entry is one change: the n-th has Number n.
type entry struct {
	keys.Ref
	at keys.Revision
}

type faults struct {
	next    func(f *fed, last keys.Revision, changed []keys.Ref) (keys.Revision, []keys.Ref)
	answer  func(f *fed, since keys.Revision, c keys.Changes) keys.Changes
	early   bool // the log is written before the store, and each by itself
	nothing bool // watchers are not called
	deaf    bool // to the ctx
}

func newFed(f faults) *fed { return &fed{store: keys.NewMemoryStore(), faults: f} }

func (f *fed) last() keys.Revision {
	if len(f.log) == 0 {
		return keys.Revision{}
	}
	return f.log[len(f.log)-1].at
}

func (f *fed) change(do func(s *keys.MemoryStore) ([]keys.Ref, error), early ...keys.Ref) error {
	f.mu.Lock()
	if f.early && len(early) > 0 {
		f.note(early)
		f.mu.Unlock()
		time.Sleep(time.Millisecond) // others read the log now, and the old record
		f.mu.Lock()
	}
	refs, err := do(f.store)
	if err == nil && (!f.early || len(early) == 0) {
		f.note(refs)
	}
	watchers := slices.Clone(f.watchers)
	f.mu.Unlock()
	for _, w := range watchers {
		w()
	}
	return err
}

func (f *fed) note(refs []keys.Ref) {
	for _, ref := range refs {
		next, named := f.last().Next(), []keys.Ref{ref}
		if f.next != nil {
			next, named = f.next(f, f.last(), named)
		}
		for _, ref := range named {
			f.log = append(f.log, entry{ref, next})
		}
	}
}

func (f *fed) Changes(ctx context.Context, since keys.Revision) (keys.Changes, error) {
	if err := ctx.Err(); err != nil && !f.deaf {
		return keys.Changes{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	c := keys.Changes{Revision: f.last()}
	if since != (keys.Revision{}) {
		i := slices.IndexFunc(f.log, func(e entry) bool { return e.at == since })
		c.All = i < 0
		for ; !c.All && i < len(f.log); i++ {
			if f.log[i].at != since {
				c.Keys = append(c.Keys, f.log[i].Ref)
			}
		}
	}
	if f.answer != nil {
		c = f.answer(f, since, c)
	}
	return c, nil
}

// after returns what the log has after this Number.
func (f *fed) after(number uint64) (refs []keys.Ref) {
	for _, e := range f.log {
		if e.at.Number > number {
			refs = append(refs, e.Ref)
		}
	}
	return refs
}

func (f *fed) Watch(w func()) (stop func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.nothing {
		f.watchers = append(f.watchers, w)
	}
	return func() {}
}

// backup copies records and log.
func (f *fed) backup() (restore func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	records, _ := f.store.List(background, "", keys.Filter{})
	log := slices.Clone(f.log)
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.store, f.log = keys.NewMemoryStore(), slices.Clone(log)
		for _, r := range records {
			_ = f.store.Insert(background, r)
		}
	}
}

func (f *fed) memory() *keys.MemoryStore {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.store
}

func refOf(r keys.Record) keys.Ref { return keys.Ref{Space: r.Space, ID: r.ID} }

func (f *fed) Find(ctx context.Context, space string, d []keys.Digest) (keys.Record, error) {
	return f.memory().Find(ctx, space, d)
}

func (f *fed) Get(ctx context.Context, space, id string) (keys.Record, error) {
	return f.memory().Get(ctx, space, id)
}

func (f *fed) List(ctx context.Context, space string, filter keys.Filter) ([]keys.Record, error) {
	return f.memory().List(ctx, space, filter)
}

func (f *fed) Insert(ctx context.Context, r keys.Record) error {
	return f.change(func(s *keys.MemoryStore) ([]keys.Ref, error) { return []keys.Ref{refOf(r)}, s.Insert(ctx, r) })
}

func (f *fed) Update(ctx context.Context, r keys.Record) error {
	return f.change(func(s *keys.MemoryStore) ([]keys.Ref, error) { return []keys.Ref{refOf(r)}, s.Update(ctx, r) }, refOf(r))
}

func (f *fed) InvalidateUser(ctx context.Context, space, userID string, at time.Time) (ended []keys.Record, err error) {
	err = f.change(func(s *keys.MemoryStore) (refs []keys.Ref, err error) {
		ended, err = s.InvalidateUser(ctx, space, userID, at)
		for _, r := range ended {
			refs = append(refs, refOf(r))
		}
		return refs, err
	})
	return ended, err
}

func (f *fed) DropRole(ctx context.Context, role string) (n int, err error) {
	err = f.change(func(s *keys.MemoryStore) (refs []keys.Ref, err error) {
		for _, space := range []string{"", "acme"} {
			list, err := s.List(ctx, space, keys.Filter{Role: role})
			if err != nil {
				return nil, err
			}
			for _, r := range list {
				refs = append(refs, refOf(r))
			}
		}
		n, err = s.DropRole(ctx, role)
		return refs, err
	})
	return n, err
}

func (f *fed) Delete(ctx context.Context, space, id string) error {
	return f.change(func(s *keys.MemoryStore) ([]keys.Ref, error) {
		return []keys.Ref{{Space: space, ID: id}}, s.Delete(ctx, space, id)
	})
}

func TestMemoryFeed(t *testing.T) {
	TestFeed(t, func(*testing.T) (keys.Store, keys.Feed, func() (restore func())) {
		f := newFed(faults{})
		return f, f, f.backup
	})
}

const (
	unknownPair = "Changes for an unknown pair has All"
	lostChange  = "after a restore, Changes for a lost revision has All"
)

var feedMutants = []struct {
	how    string
	faults faults
	breaks []string
}{
	{"names all records for the zero Revision", faults{answer: func(f *fed, since keys.Revision, c keys.Changes) keys.Changes {
		if since == (keys.Revision{}) {
			c.Keys = f.after(0)
		}
		return c
	}}, []string{"the zero Revision asks for the revision alone"}},
	{"a deletion is not counted", faults{next: func(f *fed, last keys.Revision, changed []keys.Ref) (keys.Revision, []keys.Ref) {
		if _, err := f.store.Get(background, changed[0].Space, changed[0].ID); err != nil {
			return keys.Revision{Number: last.Number, Tag: last.Next().Tag}, changed
		}
		return last.Next(), changed
	}}, []string{"each change has a greater Number"}},
	{"has no tags", faults{next: func(_ *fed, last keys.Revision, changed []keys.Ref) (keys.Revision, []keys.Ref) {
		return keys.Revision{Number: last.Number + 1}, changed
	}}, []string{"each change has a Tag of its own", unknownPair, lostChange}},
	{"tags follow from the numbers", faults{next: func(_ *fed, last keys.Revision, changed []keys.Ref) (keys.Revision, []keys.Ref) {
		return keys.Revision{Number: last.Number + 1, Tag: (last.Number + 1) * 0x9e3779b97f4a7c15}, changed
	}}, []string{lostChange}},
	{"names the latest change alone", faults{answer: func(_ *fed, _ keys.Revision, c keys.Changes) keys.Changes {
		if len(c.Keys) > 1 {
			c.Keys = c.Keys[len(c.Keys)-1:]
		}
		return c
	}}, []string{"Changes names each record that was changed", "a node that follows the feed beside writers misses no change"}},
	{"names no deleted record", faults{answer: func(f *fed, _ keys.Revision, c keys.Changes) keys.Changes {
		c.Keys = slices.DeleteFunc(c.Keys, func(r keys.Ref) bool {
			_, err := f.store.Get(background, r.Space, r.ID)
			return err != nil
		})
		return c
	}}, []string{"Changes names each record that was changed"}},
	{"compares numbers", faults{answer: func(f *fed, since keys.Revision, c keys.Changes) keys.Changes {
		if since.Number > 0 && since.Number <= c.Revision.Number {
			c.All, c.Keys = false, f.after(since.Number)
		}
		return c
	}}, []string{unknownPair, lostChange}},
	{"compares the pair with the newest alone", faults{answer: func(f *fed, since keys.Revision, c keys.Changes) keys.Changes {
		if c.All && since.Number < c.Revision.Number {
			c.All, c.Keys = false, f.after(since.Number)
		}
		return c
	}}, []string{unknownPair, lostChange}},
	{"compares tags", faults{answer: func(f *fed, since keys.Revision, c keys.Changes) keys.Changes {
		if slices.ContainsFunc(f.log, func(e entry) bool { return e.at.Tag == since.Tag }) {
			c.All, c.Keys = false, f.after(since.Number)
		}
		return c
	}}, []string{unknownPair}},
	{"takes a number to come for the newest", faults{answer: func(_ *fed, since keys.Revision, c keys.Changes) keys.Changes {
		c.All = c.All && since.Number <= c.Revision.Number
		return c
	}}, []string{unknownPair, lostChange}},
	{"tells of a change before it is done", faults{early: true}, []string{"a node that follows the feed beside writers misses no change"}},
	{"calls no watcher", faults{nothing: true}, []string{"Watch calls its function for a change before the call returns"}},
	{"does not look at the ctx", faults{deaf: true}, []string{"a Changes whose ctx is done returns its error"}},
	{"logs no change after a restore", faults{next: func(f *fed, last keys.Revision, changed []keys.Ref) (keys.Revision, []keys.Ref) {
		if f.counter++; f.counter > last.Number+1 {
			return last, nil // it goes to a log that was not restored
		}
		return last.Next(), changed
	}}, []string{"after a restore, Changes for a revision of before the backup names the new changes"}},
}

// listenToFeed is listen for a check of a feed.
func listenToFeed(c feedCheck, f *fed) []string {
	return listen(check{c.promise, func(p *probe) {
		p.Store = f
		c.run(&feedProbe{p, f, f.backup})
	}}, nil)
}

// Each broken feed fails the checks of the promises that it breaks, and no others; and no check is without one.
func TestEachBrokenFeedIsNoticed(t *testing.T) {
	unproven := map[string]bool{}
	for _, c := range feedChecks {
		unproven[c.promise] = true
	}
	for _, m := range feedMutants {
		t.Run(m.how, func(t *testing.T) {
			for _, c := range feedChecks {
				delete(unproven, map[bool]string{true: c.promise}[slices.Contains(m.breaks, c.promise)])
				broke := slices.Contains(m.breaks, c.promise)
				failures := listenToFeed(c, newFed(m.faults))
				for again := 0; broke && len(failures) == 0 && again < 20; again++ {
					failures = listenToFeed(c, newFed(m.faults)) // a race is not lost every time
				}
				if broke != (len(failures) > 0) {
					t.Errorf("%s: %d failures %q", c.promise, len(failures), failures)
				}
			}
		})
	}
	for promise := range unproven {
		t.Errorf("no broken feed proves the check of: %s", promise)
	}
}
