package rolestest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"

	"github.com/latchkey-go/latchkey/roles"
)

var promises = []promise{
	{"a new store has no roles and no error", func(t reporter, s roles.Store) {
		rs, _, err := s.Load(t.Context())
		if err != nil || len(rs) != 0 {
			t.Errorf("Load of an empty store: %d roles, error %v; want none and nil", len(rs), err)
		}
		if _, err := s.Revision(t.Context()); err != nil {
			t.Errorf("Revision of an empty store: %v", err)
		}
	}},
	{"what was saved is loaded, every field of it", func(t reporter, s roles.Store) {
		want := full("editor")
		save(t, s, want)
		save(t, s, roles.Role{AppID: "other"})
		if got := load(t, s)["editor"]; !same(got, want) {
			t.Errorf("loaded %+v\n saved %+v", got, want)
		}
	}},
	{"texts in any script come back as they were", func(t reporter, s roles.Store) {
		want := roles.Role{AppID: "unicode", Name: "Größe 編集者 🗝 'quoted\" \\ %s", Info: "line\nline\tтаб e\u0301 \u00e9"}
		save(t, s, want)
		if got := load(t, s)["unicode"]; !same(got, want) {
			t.Errorf("loaded %q, %q\n saved %q, %q", got.Name, got.Info, want.Name, want.Info)
		}
	}},
	{"nil and empty permissions are the same", func(t reporter, s roles.Store) {
		save(t, s, roles.Role{AppID: "nil", Inherits: []string{"x"}})
		save(t, s, roles.Role{AppID: "empty", Inherits: []string{"x"}, Permissions: roles.Grants{}})
		for appid, role := range load(t, s) {
			if len(role.Permissions) != 0 {
				t.Errorf("role %s came back with permissions %v", appid, role.Permissions)
			}
		}
		if n := len(load(t, s)); n != 2 {
			t.Errorf("%d roles are there; want 2", n)
		}
	}},
	{"nil and empty inherits are the same", func(t reporter, s roles.Store) {
		save(t, s, roles.Role{AppID: "nil", Permissions: roles.Grants{"a": true}})
		save(t, s, roles.Role{AppID: "empty", Permissions: roles.Grants{"a": true}, Inherits: []string{}})
		for appid, role := range load(t, s) {
			if len(role.Inherits) != 0 {
				t.Errorf("role %s came back with inherits %q", appid, role.Inherits)
			}
		}
		if n := len(load(t, s)); n != 2 {
			t.Errorf("%d roles are there; want 2", n)
		}
	}},
	{"inherits keep their order", func(t reporter, s roles.Store) {
		want := roles.Role{AppID: "heir", Inherits: []string{"c", "a", "b"}}
		save(t, s, want)
		if got := load(t, s)["heir"].Inherits; !reflect.DeepEqual(got, want.Inherits) {
			t.Errorf("inherits came back as %q; want %q", got, want.Inherits)
		}
	}},
	{"a denied grant stays denied", func(t reporter, s roles.Store) {
		save(t, s, roles.Role{AppID: "r", Permissions: roles.Grants{"a": true, "b": false}})
		got := load(t, s)["r"].Permissions
		if denied, ok := got["b"]; !ok || denied {
			t.Errorf("permissions came back as %v; want b: false", got)
		}
	}},
	{"the store judges nothing", func(t reporter, s roles.Store) {
		want := roles.Role{AppID: "odd", Inherits: []string{"nobody", "odd"}, Permissions: roles.Grants{"not // well formed": true}}
		save(t, s, want)
		if got := load(t, s)["odd"]; !same(got, want) {
			t.Errorf("loaded %+v\n saved %+v", got, want)
		}
	}},
	{"saving an appid that is there replaces the whole role", func(t reporter, s roles.Store) {
		save(t, s, full("editor"))
		save(t, s, roles.Role{AppID: "other", Name: "Other"})
		want := roles.Role{AppID: "editor", Name: "New", Permissions: roles.Grants{"z": true}}
		save(t, s, want)
		all := load(t, s)
		if got := all["editor"]; !same(got, want) {
			t.Errorf("loaded %+v\n saved %+v", got, want)
		}
		if len(all) != 2 || all["other"].Name != "Other" {
			t.Errorf("other roles changed: %v", all)
		}
	}},
	{"deleting drops the role and no other", func(t reporter, s roles.Store) {
		save(t, s, full("editor"))
		save(t, s, full("viewer"))
		if err := s.Delete(t.Context(), "editor", revision(t, s)); err != nil {
			t.Fatalf("Delete: %v", err)
		}
		all := load(t, s)
		if _, there := all["editor"]; there || len(all) != 1 {
			t.Errorf("after deleting editor there are %v; want viewer alone", all)
		}
	}},
	{"deleting a role that is not there is ErrNotFound", func(t reporter, s roles.Store) {
		save(t, s, full("editor"))
		if err := s.Delete(t.Context(), "ghost", revision(t, s)); !errors.Is(err, roles.ErrNotFound) {
			t.Errorf("Delete: %v; want ErrNotFound", err)
		}
		if len(load(t, s)) != 1 {
			t.Errorf("the role that is there was deleted")
		}
	}},
	{"a role that was deleted can be saved again", func(t reporter, s roles.Store) {
		save(t, s, full("editor"))
		if err := s.Delete(t.Context(), "editor", revision(t, s)); err != nil {
			t.Fatalf("Delete: %v", err)
		}
		want := roles.Role{AppID: "editor", Name: "Second"}
		save(t, s, want)
		if got := load(t, s)["editor"]; !same(got, want) {
			t.Errorf("loaded %+v\n saved %+v", got, want)
		}
	}},
	{"appids that differ in case are different", func(t reporter, s roles.Store) {
		different(t, s, "editor", "Editor")
	}},
	{"appids that differ in trailing space are different", func(t reporter, s roles.Store) {
		different(t, s, "editor", "editor ")
	}},
	{"grants that differ in case or trailing space are different", func(t reporter, s roles.Store) {
		want := roles.Role{AppID: "r", Permissions: roles.Grants{"a": true, "A": true, "a ": true}}
		save(t, s, want)
		if got := load(t, s)["r"]; !same(got, want) {
			t.Errorf("permissions came back as %v; want %v", got.Permissions, want.Permissions)
		}
	}},
	{"every change makes the revision grow", func(t reporter, s roles.Store) {
		before := revision(t, s)
		grown := func(after string) {
			t.Helper()
			now := revision(t, s)
			if now <= before {
				t.Errorf("revision %d after %s; it was %d before", now, after, before)
			}
			before = now
		}
		save(t, s, full("editor"))
		grown("adding a role")
		save(t, s, roles.Role{AppID: "editor"})
		grown("changing it")
		if err := s.Delete(t.Context(), "editor", before); err != nil {
			t.Fatalf("Delete: %v", err)
		}
		grown("deleting it")
		save(t, s, full("editor"))
		grown("adding it again")
	}},
	{"Load and Revision tell the same revision", func(t reporter, s roles.Store) {
		for range 3 {
			save(t, s, full("editor"))
			_, loaded, err := s.Load(t.Context())
			if err != nil {
				t.Fatalf("Load: %v", err)
			}
			if asked := revision(t, s); asked != loaded {
				t.Errorf("Load says revision %d, Revision says %d", loaded, asked)
			}
		}
	}},
	{"saving for an older revision is ErrConflict and stores nothing", func(t reporter, s roles.Store) {
		save(t, s, full("editor"))
		old := revision(t, s)
		save(t, s, full("viewer"))
		for _, appid := range []string{"editor", "new"} {
			if err := s.Save(t.Context(), roles.Role{AppID: appid, Name: "stale"}, old); !errors.Is(err, roles.ErrConflict) {
				t.Errorf("Save of %s for revision %d: %v; want ErrConflict", appid, old, err)
			}
		}
		if all := load(t, s); len(all) != 2 || !same(all["editor"], full("editor")) {
			t.Errorf("something was stored: %v", all)
		}
	}},
	{"saving for a revision to come is ErrConflict and stores nothing", func(t reporter, s roles.Store) {
		save(t, s, full("editor"))
		if err := s.Save(t.Context(), roles.Role{AppID: "editor"}, revision(t, s)+1); !errors.Is(err, roles.ErrConflict) {
			t.Errorf("Save: %v; want ErrConflict", err)
		}
		if all := load(t, s); !same(all["editor"], full("editor")) {
			t.Errorf("something was stored: %v", all)
		}
	}},
	{"deleting for an older revision is ErrConflict and deletes nothing", func(t reporter, s roles.Store) {
		save(t, s, full("editor"))
		old := revision(t, s)
		save(t, s, full("viewer"))
		if err := s.Delete(t.Context(), "editor", old); !errors.Is(err, roles.ErrConflict) {
			t.Errorf("Delete for revision %d: %v; want ErrConflict", old, err)
		}
		if all := load(t, s); len(all) != 2 {
			t.Errorf("something was deleted: %v", all)
		}
	}},
	{"of concurrent saves for one revision exactly one succeeds", func(t reporter, s roles.Store) {
		save(t, s, roles.Role{AppID: "raced"})
		for range rounds {
			now := revision(t, s)
			won := race(func(i int) error {
				return s.Save(t.Context(), roles.Role{AppID: "raced", Name: fmt.Sprint(i)}, now)
			}, t)
			if won < 0 {
				return
			}
			if got := load(t, s)["raced"].Name; got != fmt.Sprint(won) {
				t.Errorf("caller %d won, %q is stored", won, got)
				return
			}
		}
	}},
	{"of concurrent deletes for one revision exactly one succeeds", func(t reporter, s roles.Store) {
		for range rounds {
			for i := range racers {
				save(t, s, roles.Role{AppID: fmt.Sprint("r", i)})
			}
			now := revision(t, s)
			won := race(func(i int) error { return s.Delete(t.Context(), fmt.Sprint("r", i), now) }, t)
			if won < 0 {
				return
			}
			all := load(t, s)
			if _, there := all[fmt.Sprint("r", won)]; there || len(all) != racers-1 {
				t.Errorf("caller %d won; %d roles are left", won, len(all))
				return
			}
		}
	}},
	{"a load is one snapshot", func(t reporter, s roles.Store) {
		// Two roles carry the number of the round, saved one after the other. A snapshot sees both of one
		// round, or the first of the next; and its revision tells which.
		seen := map[uint64]string{}
		save(t, s, roles.Role{AppID: "first", Name: "0"})
		save(t, s, roles.Role{AppID: "second", Name: "0"})
		ctx, stop := context.WithCancel(t.Context())
		var writer sync.WaitGroup
		writer.Go(func() {
			for i := 1; i < 200 && ctx.Err() == nil; i++ {
				for _, appid := range []string{"first", "second"} {
					now, err := s.Revision(ctx)
					if err == nil {
						err = s.Save(ctx, roles.Role{AppID: appid, Name: fmt.Sprint(i)}, now)
					}
					if err != nil {
						return
					}
				}
			}
		})
		defer writer.Wait()
		defer stop()
		for range 300 {
			rs, rev, err := s.Load(t.Context())
			if err != nil {
				t.Errorf("Load: %v", err)
				return
			}
			numbers := map[string]int{"first": -1, "second": -1}
			for _, r := range rs {
				n := 0
				if _, err := fmt.Sscan(r.Name, &n); err != nil {
					t.Errorf("loaded the name %q, which was never saved", r.Name)
					return
				}
				numbers[r.AppID] = n
			}
			if ahead := numbers["first"] - numbers["second"]; ahead != 0 && ahead != 1 {
				t.Errorf("loaded first of round %d with second of round %d", numbers["first"], numbers["second"])
				return
			}
			state := fmt.Sprint(numbers)
			if before, ok := seen[rev]; ok && before != state {
				t.Errorf("revision %d was loaded as %s and as %s", rev, before, state)
				return
			}
			seen[rev] = state
		}
	}},
	{"the store keeps a copy of what it is given", func(t reporter, s roles.Store) {
		given := full("editor")
		save(t, s, given)
		given.Permissions["changed"] = true
		given.Inherits[0] = "changed"
		if got := load(t, s)["editor"]; !same(got, full("editor")) {
			t.Errorf("changing the saved role changed the stored one: %+v", got)
		}
	}},
	{"the store returns copies", func(t reporter, s roles.Store) {
		save(t, s, full("editor"))
		rs, _, err := s.Load(t.Context())
		if err != nil || len(rs) != 1 {
			t.Fatalf("Load: %d roles, %v", len(rs), err)
		}
		if rs[0].Permissions != nil {
			rs[0].Permissions["changed"] = true
		}
		if len(rs[0].Inherits) > 0 {
			rs[0].Inherits[0] = "changed"
		}
		rs[0].AppID = "changed"
		if got := load(t, s)["editor"]; !same(got, full("editor")) {
			t.Errorf("changing a loaded role changed the stored one: %+v", got)
		}
	}},
	{"a context that is done stops Load", func(t reporter, s roles.Store) {
		_, _, err := s.Load(done(t))
		stopped(t, "Load", err)
	}},
	{"a context that is done stops Revision", func(t reporter, s roles.Store) {
		_, err := s.Revision(done(t))
		stopped(t, "Revision", err)
	}},
	{"a context that is done stops Save before it begins", func(t reporter, s roles.Store) {
		stopped(t, "Save", s.Save(done(t), full("editor"), revision(t, s)))
		if all := load(t, s); len(all) != 0 {
			t.Errorf("something was stored: %v", all)
		}
	}},
	{"a context that is done stops Delete before it begins", func(t reporter, s roles.Store) {
		save(t, s, full("editor"))
		stopped(t, "Delete", s.Delete(done(t), "editor", revision(t, s)))
		if all := load(t, s); len(all) != 1 {
			t.Errorf("something was deleted")
		}
	}},
}
