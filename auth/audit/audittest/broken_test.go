package audittest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/latchkey-go/latchkey/auth/audit"
)

// A log is a memory log of which single methods are replaced.
type log struct {
	memory *audit.MemoryLog
	append func(context.Context, audit.Record) error
	list   func(context.Context, audit.Filter) ([]audit.Record, error)
}

func (l *log) Append(ctx context.Context, r audit.Record) error { return l.append(ctx, r) }

func (l *log) List(ctx context.Context, f audit.Filter) ([]audit.Record, error) {
	return l.list(ctx, f)
}

// appending changes each record on its way in, listing all records on their way out, asking each filter.
func appending(change func(*audit.Record)) func(*log) {
	return func(l *log) {
		l.append = func(ctx context.Context, r audit.Record) error {
			change(&r)
			return l.memory.Append(ctx, r)
		}
	}
}

func listing(change func(page []audit.Record)) func(*log) {
	return func(l *log) {
		l.list = func(ctx context.Context, f audit.Filter) ([]audit.Record, error) {
			page, err := l.memory.List(ctx, f)
			change(page)
			return page, err
		}
	}
}

func asking(change func(*audit.Filter)) func(*log) {
	return func(l *log) {
		l.list = func(ctx context.Context, f audit.Filter) ([]audit.Record, error) {
			change(&f)
			return l.memory.List(ctx, f)
		}
	}
}

// has reports whether the space without a name has a record with this ID.
func (l *log) has(id string) bool {
	page, _ := l.memory.List(context.Background(), audit.Filter{Before: id + "\x00", Limit: 1})
	return len(page) == 1 && page[0].ID == id
}

// wall is what a database without zones takes t for.
func wall(t time.Time) time.Time {
	_, offset := t.Zone()
	return t.Add(time.Duration(offset) * time.Second)
}

var errOther = errors.New("the disk is on fire")

var broken = map[string]func(*log){
	"a new log is empty, without an error": func(l *log) {
		var touched atomic.Bool
		l.append = func(ctx context.Context, r audit.Record) error {
			touched.Store(true)
			return l.memory.Append(ctx, r)
		}
		l.list = func(ctx context.Context, f audit.Filter) ([]audit.Record, error) {
			if ctx.Err() == nil && !touched.Load() {
				return nil, errOther
			}
			return l.memory.List(ctx, f)
		}
	},
	"an appended record is listed with every field": appending(func(r *audit.Record) {
		if r.From == "2001:db8::1" { // a column for IPv4
			r.From = ""
		}
	}),
	"what a record does not have is nil and empty": listing(func(page []audit.Record) {
		for i := range page {
			if page[i].ActorName == "" && page[i].After == nil {
				page[i].After = map[string]any{}
			}
		}
	}),
	"texts in any script come back as they were": appending(func(r *audit.Record) {
		r.ActorName = strings.Map(func(c rune) rune { return min(c, '\u007f') }, r.ActorName)
	}),
	"values come back in their plain form": appending(func(r *audit.Record) {
		r.Before = maps.Clone(r.Before)
		maps.DeleteFunc(r.Before, func(_ string, v any) bool { return v == nil })
	}),
	"a second record with one ID is an error": func(l *log) {
		l.append = func(ctx context.Context, r audit.Record) error {
			if l.has(r.ID) && ctx.Err() == nil && r.Object == "forged" { // ON CONFLICT DO NOTHING
				return nil
			}
			return l.memory.Append(ctx, r)
		}
	},
	"a second record with the same ID does not change the first": func(l *log) {
		replaced := map[string]audit.Record{}
		l.append = func(ctx context.Context, r audit.Record) error {
			if r.Object == "forged" {
				replaced[r.ID] = r
			}
			return l.memory.Append(ctx, r)
		}
		l.list = func(ctx context.Context, f audit.Filter) ([]audit.Record, error) {
			page, err := l.memory.List(ctx, f)
			for i, r := range page {
				if again, ok := replaced[r.ID]; ok {
					page[i] = again
				}
			}
			return page, err
		}
	},
	"of concurrent records with one ID exactly one is taken": func(l *log) {
		l.append = func(ctx context.Context, r audit.Record) error {
			if ctx.Err() != nil || l.has(r.ID) {
				return l.memory.Append(ctx, r)
			}
			time.Sleep(time.Millisecond) // asked first, written later
			_ = l.memory.Append(ctx, r)
			return nil
		}
	},
	"all records of concurrent appends are listed": func(l *log) {
		var busy atomic.Int64
		l.append = func(ctx context.Context, r audit.Record) error {
			defer busy.Add(-1)
			if busy.Add(1) > 1 && r.ID != "00000001" { // which is what the promise before is about
				return nil
			}
			time.Sleep(10 * time.Microsecond)
			return l.memory.Append(ctx, r)
		}
	},

	"Actor narrows the list": asking(func(f *audit.Filter) {
		if *f == (audit.Filter{Actor: f.Actor}) {
			f.Actor = ""
		}
	}),
	"Action narrows the list": asking(func(f *audit.Filter) {
		if *f == (audit.Filter{Action: f.Action}) {
			f.Action = ""
		}
	}),
	"Object narrows the list": asking(func(f *audit.Filter) {
		if *f == (audit.Filter{Object: f.Object}) {
			f.Object = ""
		}
	}),
	"what Actor, Action and Object name is compared byte by byte": func(l *log) {
		l.list = func(ctx context.Context, f audit.Filter) ([]audit.Record, error) {
			actor := f.Actor
			f.Actor = ""
			if actor == "" {
				return l.memory.List(ctx, f)
			}
			limit := f.Size()
			f.Limit = 1000
			page, err := l.memory.List(ctx, f)
			page = slices.DeleteFunc(page, func(r audit.Record) bool { return !strings.EqualFold(r.Actor, actor) })
			return page[:min(limit, len(page))], err
		}
	},
	"Since is the first instant that counts": asking(func(f *audit.Filter) {
		if !f.Since.IsZero() && f.Since.Nanosecond()%1000 == 0 {
			f.Since = f.Since.Add(time.Microsecond)
		}
	}),
	"Until is the first instant that does not count any more": asking(func(f *audit.Filter) {
		if !f.Until.IsZero() && f.Until.Nanosecond()%1000 == 0 {
			f.Until = f.Until.Add(time.Microsecond)
		}
	}),
	"Since and Until may be between two microseconds": asking(func(f *audit.Filter) {
		f.Since, f.Until = f.Since.Truncate(time.Microsecond), f.Until.Truncate(time.Microsecond)
	}),
	"Since and Until may be in any zone": asking(func(f *audit.Filter) { f.Since, f.Until = wall(f.Since), wall(f.Until) }),
	"filters combine": asking(func(f *audit.Filter) {
		if f.Actor != "" && f.Action != "" {
			f.Object = ""
		}
	}),
	"Space always counts": func(l *log) {
		l.list = func(ctx context.Context, f audit.Filter) ([]audit.Record, error) {
			page, err := l.memory.List(ctx, f)
			if f.Space == "" && err == nil {
				f.Space = "a"
				others, _ := l.memory.List(ctx, f)
				page = append(page, others...)
			}
			return page, err
		}
	},
	"spaces are compared byte by byte": func(l *log) {
		fold := func(space *string) {
			if *space == "A" {
				*space = "a"
			}
		}
		appending(func(r *audit.Record) { fold(&r.Space) })(l)
		asking(func(f *audit.Filter) { fold(&f.Space) })(l)
	},

	"records are in descending order of ID, however they came in": func(l *log) {
		var mu sync.Mutex
		came := map[string]int{}
		l.append = func(ctx context.Context, r audit.Record) error {
			mu.Lock()
			defer mu.Unlock()
			came[r.ID] = len(came)
			return l.memory.Append(ctx, r)
		}
		l.list = func(ctx context.Context, f audit.Filter) ([]audit.Record, error) {
			mu.Lock()
			defer mu.Unlock()
			page, err := l.memory.List(ctx, f)
			slices.SortFunc(page, func(a, b audit.Record) int { return came[b.ID] - came[a.ID] })
			return page, err
		}
	},
	"IDs are compared byte by byte": listing(func(page []audit.Record) {
		slices.SortStableFunc(page, func(a, b audit.Record) int {
			return strings.Compare(strings.ToLower(b.ID), strings.ToLower(a.ID))
		})
	}),
	"a page has at most Limit records, the newest": asking(func(f *audit.Filter) {
		if f.Limit > 0 {
			f.Limit++
		}
	}),
	"Limit counts the records that pass": func(l *log) {
		l.list = func(ctx context.Context, f audit.Filter) ([]audit.Record, error) {
			page, err := l.memory.List(ctx, audit.Filter{Space: f.Space, Before: f.Before, Limit: f.Limit})
			if f.Limit == 0 {
				return l.memory.List(ctx, f)
			}
			return slices.DeleteFunc(page, func(r audit.Record) bool { return !f.Passes(r) }), err
		}
	},
	"a page has at most 100 records if Limit is 0": asking(func(f *audit.Filter) {
		if f.Limit == 0 {
			f.Limit = 1000
		}
	}),
	"a page has at most 1000 records": func(l *log) {
		l.list = func(ctx context.Context, f audit.Filter) ([]audit.Record, error) {
			page, err := l.memory.List(ctx, f)
			if f.Limit > 1000 && len(page) == 1000 {
				f.Before = page[999].ID
				more, _ := l.memory.List(ctx, f)
				page = append(page, more...)
			}
			return page, err
		}
	},
	"a page begins below Before": asking(func(f *audit.Filter) {
		if strings.HasPrefix(f.Before, "0") { // <= for <
			f.Before += "\x00"
		}
	}),
	"Before need not be the ID of a record": func(l *log) {
		asking(func(f *audit.Filter) {
			if !l.has(f.Before) {
				f.Before = ""
			}
		})(l)
	},

	"the log copies an appended record": func(l *log) {
		var given sync.Map
		l.append = func(ctx context.Context, r audit.Record) error {
			given.LoadOrStore(r.ID, r)
			return l.memory.Append(ctx, r)
		}
		l.list = func(ctx context.Context, f audit.Filter) ([]audit.Record, error) {
			page, err := l.memory.List(ctx, f)
			for i, r := range page {
				kept, _ := given.Load(r.ID)
				again, _ := audit.Stamp(kept.(audit.Record))
				page[i].After = again.After
			}
			return page, err
		}
	},
	"the log returns copies": func(l *log) {
		var given sync.Map
		l.list = func(ctx context.Context, f audit.Filter) ([]audit.Record, error) {
			page, err := l.memory.List(ctx, f)
			for i, r := range page {
				kept, _ := given.LoadOrStore(r.ID, r)
				page[i] = kept.(audit.Record)
			}
			return page, err
		}
	},
	"a context that is done stops Append before it begins": func(l *log) {
		l.append = func(ctx context.Context, r audit.Record) error {
			return l.memory.Append(context.WithoutCancel(ctx), r)
		}
	},
	"a context that is done stops List": func(l *log) {
		l.list = func(ctx context.Context, f audit.Filter) ([]audit.Record, error) {
			return l.memory.List(context.WithoutCancel(ctx), f)
		}
	},
	"the error of Append wraps the one of its context": func(l *log) {
		l.append = func(ctx context.Context, r audit.Record) error {
			if ctx.Err() != nil {
				return errOther
			}
			return l.memory.Append(ctx, r)
		}
	},
	"the error of List wraps the one of its context": func(l *log) {
		l.list = func(ctx context.Context, f audit.Filter) ([]audit.Record, error) {
			if ctx.Err() != nil {
				return nil, errOther
			}
			return l.memory.List(ctx, f)
		}
	},
}
