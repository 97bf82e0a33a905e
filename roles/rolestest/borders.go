package rolestest

import (
	"github.com/latchkey-go/latchkey/internal/suite"
	"github.com/latchkey-go/latchkey/roles"
)

// borders: nothing is shared with the caller, and a context that is done is obeyed.
var borders = []promise{
	{"the store keeps a copy of what it is given", func(t reporter, s roles.Store) {
		given := full("editor")
		save(t, s, given)
		clear(given.Permissions)
		clear(given.Inherits)
		stored(t, s, full("editor"))
	}},
	{"the store returns copies", func(t reporter, s roles.Store) {
		save(t, s, full("editor"))
		rs, _, err := s.Load(background)
		if err != nil {
			t.Fatalf("Load: %v", err)
		}
		for _, r := range rs {
			clear(r.Permissions)
			clear(r.Inherits)
		}
		clear(rs)
		stored(t, s, full("editor"))
	}},
	{"a context that is done stops Load", func(t reporter, s roles.Store) {
		_, _, err := s.Load(suite.Done())
		stopped(t, "Load", err)
	}},
	{"a context that is done stops Revision", func(t reporter, s roles.Store) {
		_, err := s.Revision(suite.Done())
		stopped(t, "Revision", err)
	}},
	{"a context that is done stops Save before it begins", func(t reporter, s roles.Store) {
		stopped(t, "Save", s.Save(suite.Done(), full("editor"), revision(t, s)))
		stored(t, s)
	}},
	{"a context that is done stops Delete before it begins", func(t reporter, s roles.Store) {
		save(t, s, full("editor"))
		stopped(t, "Delete", s.Delete(suite.Done(), "editor", revision(t, s)))
		stored(t, s, full("editor"))
	}},
}
