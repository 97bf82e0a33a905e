package publicapitest

import (
	"context"
	"testing"

	"github.com/latchkey-go/latchkey/publicapi"
)

// A restorable store has backups. Its faults are about revisions.
type restorable struct {
	setting          publicapi.Setting
	tagless, numbers bool // there is one tag; Save compares numbers
}

func (s *restorable) Load(context.Context) (publicapi.Setting, error) { return s.setting, nil }

func (s *restorable) Save(_ context.Context, setting publicapi.Setting) error {
	was := s.setting.Revision
	if setting.Revision != was && !(s.numbers && setting.Revision.Number == was.Number) {
		return publicapi.ErrConflict
	}
	setting.Revision = was.Next()
	if s.tagless {
		setting.Revision.Tag = 1
	}
	s.setting = setting
	return nil
}

func (s *restorable) backup() (restore func()) {
	was := s.setting
	return func() { s.setting = was }
}

func TestRestoredStore(t *testing.T) {
	TestRestore(t, func(*testing.T) (publicapi.Store, func() (restore func())) {
		s := new(restorable)
		return s, s.backup
	})
}

func TestEachStoreThatIsBrokenByARestoreIsNoticed(t *testing.T) {
	for _, m := range []struct {
		how    string
		store  restorable
		breaks [2]bool
	}{
		{"one tag", restorable{tagless: true}, [2]bool{true, true}},
		{"numbers compared", restorable{numbers: true}, [2]bool{false, true}},
	} {
		for i, c := range restores {
			s, l := m.store, new(listener)
			c.run(l, &s, s.backup)
			if failed := len(l.failures) > 0; failed != m.breaks[i] {
				t.Errorf("%s: check %q failed: %v %q", m.how, c.promise, failed, l.failures)
			}
		}
	}
}
