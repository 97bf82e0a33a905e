package rolestest

import (
	"github.com/latchkey-go/latchkey/roles"
)

// borders: nothing is shared with the caller, and a context that is done is obeyed.
var borders = []promise{
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
