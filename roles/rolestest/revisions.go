package rolestest

import (
	"fmt"
	"strconv"

	"github.com/latchkey-go/latchkey/internal/suite"
	"github.com/latchkey-go/latchkey/roles"
)

// revisions: a change counts for one revision, and of several at once one wins.
var revisions = []promise{
	{"every change makes the revision grow", func(t reporter, s roles.Store) {
		before := revision(t, s)
		grown := func(after string) {
			t.Helper()
			now := revision(t, s)
			if now.Number <= before.Number {
				t.Errorf("revision %v after %s; it was %v before", now, after, before)
			}
			before = now
		}
		save(t, s, full("editor"))
		grown("adding a role")
		save(t, s, roles.Role{AppID: "editor"})
		grown("changing it")
		remove(t, s, "editor")
		grown("deleting it")
		save(t, s, full("editor"))
		grown("adding it again")
	}},
	{"every change has a tag of its own", func(t reporter, s roles.Store) {
		tags := map[uint64]bool{}
		for i := range 20 {
			save(t, s, full(fmt.Sprint("editor", i)))
			tags[revision(t, s).Tag] = true
			remove(t, s, fmt.Sprint("editor", i))
			tags[revision(t, s).Tag] = true
		}
		if len(tags) != 40 {
			t.Errorf("40 changes have %d tags", len(tags))
		}
	}},
	{"a change for a revision with another tag is ErrConflict and stores nothing", func(t reporter, s roles.Store) {
		save(t, s, full("editor"))
		other := revision(t, s)
		other.Tag++
		conflicts(t, "Save", s.Save(background, roles.Role{AppID: "editor"}, other))
		conflicts(t, "Delete", s.Delete(background, "editor", other))
		stored(t, s, full("editor"))
	}},
	{"Load and Revision tell the same revision", func(t reporter, s roles.Store) {
		for range 3 {
			save(t, s, full("editor"))
			_, loaded, err := s.Load(background)
			if asked := revision(t, s); err != nil || asked != loaded {
				t.Errorf("Load says revision %v and error %v, Revision says %v", loaded, err, asked)
			}
		}
	}},
	{"saving for an older revision is ErrConflict and stores nothing", func(t reporter, s roles.Store) {
		save(t, s, full("editor"))
		old := revision(t, s)
		save(t, s, full("viewer"))
		for _, appid := range []string{"editor", "new"} {
			conflicts(t, "Save of "+appid, s.Save(background, roles.Role{AppID: appid, Name: "stale"}, old))
		}
		stored(t, s, full("editor"), full("viewer"))
	}},
	{"saving for a revision to come is ErrConflict and stores nothing", func(t reporter, s roles.Store) {
		save(t, s, full("editor"))
		next := revision(t, s)
		next.Number++
		conflicts(t, "Save", s.Save(background, roles.Role{AppID: "editor"}, next))
		stored(t, s, full("editor"))
	}},
	{"deleting for an older revision is ErrConflict and deletes nothing", func(t reporter, s roles.Store) {
		save(t, s, full("editor"))
		old := revision(t, s)
		save(t, s, full("viewer"))
		conflicts(t, "Delete", s.Delete(background, "editor", old))
		stored(t, s, full("editor"), full("viewer"))
	}},
	{"of concurrent saves for one revision exactly one succeeds", func(t reporter, s roles.Store) {
		save(t, s, roles.Role{AppID: "raced"})
		for range rounds {
			now := revision(t, s)
			won := race(t, func(i int) error {
				return s.Save(background, roles.Role{AppID: "raced", Name: fmt.Sprint(i)}, now)
			})
			if got := load(t, s)["raced"].Name; got != fmt.Sprint(won) {
				t.Fatalf("caller %d won, %q is stored", won, got)
			}
		}
	}},
	{"of concurrent deletes for one revision exactly one succeeds", func(t reporter, s roles.Store) {
		for range rounds {
			for i := range racers {
				save(t, s, roles.Role{AppID: fmt.Sprint("r", i)})
			}
			now := revision(t, s)
			won := race(t, func(i int) error { return s.Delete(background, fmt.Sprint("r", i), now) })
			all := load(t, s)
			if _, there := all[fmt.Sprint("r", won)]; there || len(all) != racers-1 {
				t.Fatalf("caller %d won; %d roles are left", won, len(all))
			}
		}
	}},
	{"a load is one snapshot", func(t reporter, s roles.Store) {
		// Two roles carry the number of the round, saved one after the other. A snapshot sees both of one
		// round, or the first of the next; and its revision tells which.
		seen := map[roles.Revision]string{}
		save(t, s, roles.Role{AppID: "first", Name: "0"}, roles.Role{AppID: "second", Name: "0"})
		round := 0
		write := func(t reporter) {
			round++
			name := fmt.Sprint(round)
			save(t, s, roles.Role{AppID: "first", Name: name}, roles.Role{AppID: "second", Name: name})
		}
		read := func(t reporter) {
			rs, rev, err := s.Load(background)
			if err != nil {
				t.Fatalf("Load: %v", err)
			}
			numbers := map[string]int{"first": -1, "second": -1}
			for _, r := range rs {
				n, err := strconv.Atoi(r.Name)
				if err != nil {
					t.Fatalf("loaded the name %q, which was never saved", r.Name)
				}
				numbers[r.AppID] = n
			}
			if ahead := numbers["first"] - numbers["second"]; ahead != 0 && ahead != 1 {
				t.Fatalf("loaded first of round %d with second of round %d", numbers["first"], numbers["second"])
			}
			state := fmt.Sprint(numbers)
			if before, ok := seen[rev]; ok && before != state {
				t.Fatalf("revision %v was loaded as %s and as %s", rev, before, state)
			}
			seen[rev] = state
		}
		suite.Beside(t, 300, read, write)
	}},
}
