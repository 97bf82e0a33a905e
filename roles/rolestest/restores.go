package rolestest

import (
	"testing"

	"github.com/latchkey-go/latchkey/internal/suite"
	"github.com/latchkey-go/latchkey/roles"
)

// TestRestore checks in subtests that a store keeps its promises about revisions when its database is restored. open
// returns a new, empty store; backup takes a backup of its database and returns the function that restores it.
func TestRestore(t *testing.T, open func(t *testing.T) (s roles.Store, backup func() (restore func()))) {
	for _, p := range restores {
		t.Run(p.name, func(t *testing.T) {
			s, backup := open(t)
			p.check(t, s, backup)
		})
	}
}

var restores = []struct {
	name  string
	check func(t reporter, s roles.Store, backup func() (restore func()))
}{
	{"after a restore no change has a revision that was lost", func(t reporter, s roles.Store, backup func() (restore func())) {
		suite.NoRevisionTwice(t, func() { save(t, s, full("editor")) }, func() roles.Revision { return revision(t, s) }, backup)
	}},
	{"a change for a revision that a restore lost is ErrConflict and stores nothing", func(t reporter, s roles.Store, backup func() (restore func())) {
		save(t, s, full("editor"))
		restore := backup()
		save(t, s, full("lost"))
		lost := revision(t, s)
		restore()
		for _, when := range []string{"after the restore", "after the restore and as many changes", "after the restore and more changes"} {
			conflicts(t, "Save "+when, s.Save(background, roles.Role{AppID: "editor"}, lost))
			conflicts(t, "Delete "+when, s.Delete(background, "editor", lost))
			if all := load(t, s); !same(all["editor"], full("editor")) {
				t.Errorf("something was stored %s: %v", when, all)
			}
			save(t, s, full("new"))
		}
	}},
}
