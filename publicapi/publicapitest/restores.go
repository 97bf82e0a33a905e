package publicapitest

import (
	"testing"

	"github.com/latchkey-go/latchkey/internal/suite"
	"github.com/latchkey-go/latchkey/publicapi"
)

// TestRestore checks in subtests that a store keeps its promises about revisions when its database is restored. open
// returns a new store in which nothing was ever saved; backup takes a backup of its database and returns the function
// that restores it.
func TestRestore(t *testing.T, open func(*testing.T) (s publicapi.Store, backup func() (restore func()))) {
	for _, c := range restores {
		t.Run(c.promise, func(t *testing.T) {
			s, backup := open(t)
			c.run(t, s, backup)
		})
	}
}

var restores = []struct {
	promise string
	run     func(t tb, s publicapi.Store, backup func() (restore func()))
}{
	{"after a restore no change has a Revision that was lost", func(t tb, s publicapi.Store, backup func() (restore func())) {
		change := func() { save(t, s, publicapi.Setting{Role: "public"}) }
		suite.NoRevisionTwice(t, change, func() publicapi.Revision { return revision(t, s) }, backup)
	}},
	{"a Save for a Revision that a restore lost is a conflict", func(t tb, s publicapi.Store, backup func() (restore func())) {
		save(t, s, publicapi.Setting{Role: "public"})
		restore := backup()
		save(t, s, publicapi.Setting{Role: "lost"})
		lost := revision(t, s)
		restore()
		for _, when := range []string{"after the restore", "after the restore and as many changes", "after the restore and more changes"} {
			conflicts(t, s, lost, when)
			save(t, s, publicapi.Setting{Role: "new"})
		}
		if got, err := s.Load(background); err != nil || got.Role != "new" {
			t.Errorf("Load returns role %q and error %v, want the one that was saved", got.Role, err)
		}
	}},
}
