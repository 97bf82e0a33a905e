package keystest

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/latchkey-go/latchkey/internal/suite"
	"github.com/latchkey-go/latchkey/keys"
)

// TestFeed checks each promise of [keys.Feed] in its own subtest, with changes that it makes through the store. open
// returns a new, empty store and its feed. backup takes a backup of the database and returns the function that restores
// it; if it is nil, the promises about restores are not checked.
func TestFeed(t *testing.T, open func(*testing.T) (store keys.Store, feed keys.Feed, backup func() (restore func()))) {
	for _, c := range feedChecks {
		t.Run(c.promise, func(t *testing.T) {
			store, feed, backup := open(t)
			if c.restores && backup == nil {
				t.Skip("the store has no backup")
			}
			c.run(&feedProbe{&probe{tb: t, promise: c.promise, Store: store}, feed, backup})
		})
	}
}

type feedCheck struct {
	promise  string
	restores bool
	run      func(p *feedProbe)
}

// A feedProbe is a probe of a store with a feed.
type feedProbe struct {
	*probe
	feed   keys.Feed
	backup func() (restore func())
}

func (p *feedProbe) changes(since keys.Revision) keys.Changes {
	p.Helper()
	changes, err := p.feed.Changes(background, since)
	p.must(err, "Changes")
	return changes
}

func (p *feedProbe) revision() keys.Revision {
	p.Helper()
	return p.changes(keys.Revision{}).Revision
}

// named reports a promise as broken unless the answer for since names this record.
func (p *feedProbe) named(since keys.Revision, r keys.Record, what string) {
	p.Helper()
	if c := p.changes(since); !c.All && !slices.Contains(c.Keys, keys.Ref{Space: r.Space, ID: r.ID}) {
		p.broken("%s: Changes names %d records, and not the one that was changed", what, len(c.Keys))
	}
}

// all reports a promise as broken unless the answer for since has All.
func (p *feedProbe) all(since keys.Revision, what string) {
	p.Helper()
	if c := p.changes(since); !c.All {
		p.broken("%s: Changes for revision %v returns revision %v without All", what, since, c.Revision)
	}
}

// each makes a change of each kind, and calls f after it with the record that was changed.
func (p *feedProbe) each(f func(what string, r keys.Record)) {
	p.Helper()
	p.insert(custom()) // a store may have no revision before its first change
	f("nothing", keys.Record{})
	r := in("acme", custom())
	r.Role = "editor"
	p.insert(r)
	f("Insert", r)
	r = p.update(r)
	f("Update", r)
	p.dropRole("editor")
	f("DropRole", r)
	u := p.inserted(ofUser("ada"))
	f("Insert", u)
	p.invalidateUser("", u.UserID, noon)
	f("InvalidateUser", u)
	p.must(p.Delete(background, "", u.ID), "Delete of an invalidated key")
	f("Delete", u)
}

var feedChecks = []feedCheck{
	{promise: "the zero Revision asks for the revision alone", run: func(p *feedProbe) {
		p.insert(custom(), custom())
		if c := p.changes(keys.Revision{}); c.All || len(c.Keys) > 0 || c.Revision == (keys.Revision{}) {
			p.broken("Changes returns revision %v, All %v and %d records", c.Revision, c.All, len(c.Keys))
		}
	}},
	{promise: "each change has a greater Number", run: func(p *feedProbe) {
		var before keys.Revision
		p.each(func(what string, _ keys.Record) {
			now := p.revision()
			if now.Number <= before.Number {
				p.broken("revision %v after %s; it was %v before", now, what, before)
			}
			before = now
		})
	}},
	{promise: "each change has a Tag of its own", run: func(p *feedProbe) {
		n, tags := 0, map[uint64]bool{}
		p.each(func(string, keys.Record) {
			n++
			tags[p.revision().Tag] = true
		})
		if len(tags) != n {
			p.broken("%d changes have %d tags", n, len(tags))
		}
	}},
	{promise: "Changes names each record that was changed", run: func(p *feedProbe) {
		var before, start keys.Revision
		var changed []keys.Record // since start
		p.each(func(what string, r keys.Record) {
			if r.ID != "" {
				changed = append(changed, r)
				p.named(before, r, "after "+what)
			} else {
				start = p.revision()
			}
			for _, r := range changed {
				p.named(start, r, "after other changes")
			}
			before = p.revision()
		})
	}},
	{promise: "Changes for an unknown pair has All", run: func(p *feedProbe) {
		p.insert(custom())
		old := p.revision()
		p.insert(custom())
		now := p.revision()
		for what, since := range map[string]keys.Revision{
			"another tag":           {Number: now.Number, Tag: now.Tag + 1},
			"another tag, long ago": {Number: old.Number, Tag: old.Tag + 1},
			"the tag of another":    {Number: now.Number, Tag: old.Tag},
			"a number to come":      {Number: now.Number + 1, Tag: now.Tag},
			"a number far to come":  {Number: 1 << 63, Tag: now.Tag},
		} {
			p.all(since, what)
		}
	}},
	{promise: "a node that follows the feed beside writers misses no change", run: func(p *feedProbe) {
		const writers, writes = 4, 25
		records := several(writers)
		p.insert(records...)
		at, known := p.revision(), map[string]uint64{} // the generations that the node has
		follow := func(t tb) {
			p := &feedProbe{p.on(t), p.feed, p.backup}
			changes := p.changes(at)
			at = changes.Revision
			for _, r := range records {
				if changes.All || slices.Contains(changes.Keys, keys.Ref{Space: r.Space, ID: r.ID}) {
					known[r.ID] = p.get(r).Generation
				}
			}
		}
		suite.Beside(p, 1, func(t tb) {
			suite.Each(t, writers, func(t tb, i int) {
				for r, p := records[i], p.on(t); r.Generation <= writes; {
					r = p.update(r)
				}
			})
		}, follow)
		follow(p)
		for _, r := range records {
			if got := known[r.ID]; got != writes+1 {
				p.broken("the node has generation %d of a record, the store %d", got, writes+1)
			}
		}
	}},
	{promise: "Watch calls its function for a change before the call returns", run: func(p *feedProbe) {
		var called atomic.Bool
		stop := p.feed.Watch(func() { called.Store(true) })
		if stop == nil {
			p.breaks("Watch returns no function")
		}
		defer stop()
		p.each(func(what string, _ keys.Record) {
			if !called.Swap(false) {
				p.broken("the function was not called by %s", what)
			}
		})
	}},
	{promise: "a Changes whose ctx is done returns its error", run: func(p *feedProbe) {
		p.insert(custom())
		now := p.revision()
		for _, since := range []keys.Revision{{}, now} {
			p.wraps(errorOf(p.feed.Changes(suite.Done(), since)), context.Canceled, "Changes with a cancelled ctx")
		}
	}},
	{promise: "after a restore, Changes for a lost revision has All", restores: true, run: func(p *feedProbe) {
		p.insert(custom())
		restore := p.backup()
		p.insert(custom(), custom())
		lost := p.revision()
		restore()
		p.all(lost, "after the restore")
		p.insert(custom(), custom())
		p.all(lost, "after the restore and as many changes")
		p.insert(custom())
		p.all(lost, "after the restore and more changes")
	}},
	{promise: "after a restore, Changes for a revision of before the backup names the new changes", restores: true, run: func(p *feedProbe) {
		p.insert(custom())
		before := p.revision()
		restore := p.backup()
		p.insert(custom())
		restore()
		r := p.inserted(custom())
		p.named(before, r, "after the restore")
	}},
}
