package rolestest

import (
	"context"
	"slices"
	"testing"

	"github.com/latchkey-go/latchkey/roles"
)

// A restorable store is a memory store with backups. Its faults are about revisions.
type restorable struct {
	*roles.MemoryStore
	tagless, numbers bool // there is one tag; changes compare numbers
}

func newRestorable() *restorable { return &restorable{MemoryStore: roles.NewMemoryStore()} }

func (s *restorable) backup() (restore func()) {
	rs, _, _ := s.Load(context.Background())
	return func() { s.MemoryStore = roles.NewMemoryStore(rs...) }
}

func (s *restorable) shown(r roles.Revision) roles.Revision {
	if s.tagless {
		r.Tag = 1
	}
	return r
}

// based returns the revision for which the memory store is asked to make a change.
func (s *restorable) based(r roles.Revision) roles.Revision {
	now, _ := s.MemoryStore.Revision(context.Background())
	if r == s.shown(now) || s.numbers && r.Number == now.Number {
		return now
	}
	return r
}

func (s *restorable) Load(ctx context.Context) ([]roles.Role, roles.Revision, error) {
	rs, revision, err := s.MemoryStore.Load(ctx)
	return rs, s.shown(revision), err
}

func (s *restorable) Revision(ctx context.Context) (roles.Revision, error) {
	revision, err := s.MemoryStore.Revision(ctx)
	return s.shown(revision), err
}

func (s *restorable) Save(ctx context.Context, role roles.Role, revision roles.Revision) error {
	return s.MemoryStore.Save(ctx, role, s.based(revision))
}

func (s *restorable) Delete(ctx context.Context, appid string, revision roles.Revision) error {
	return s.MemoryStore.Delete(ctx, appid, s.based(revision))
}

func TestRestoredMemoryStore(t *testing.T) {
	TestRestore(t, func(*testing.T) (roles.Store, func() (restore func())) {
		s := newRestorable()
		return s, s.backup
	})
}

func TestEachStoreThatIsBrokenByARestoreIsNoticed(t *testing.T) {
	names := []string{restores[0].name, restores[1].name}
	for what, m := range map[string]struct {
		worsen func(*restorable)
		breaks []string
	}{
		"one tag":          {func(s *restorable) { s.tagless = true }, names},
		"numbers compared": {func(s *restorable) { s.numbers = true }, names[1:]},
	} {
		var failed []string
		for _, p := range restores {
			s := newRestorable()
			m.worsen(s)
			r := watch(promise{check: func(t reporter, _ roles.Store) { p.check(t, s, s.backup) }}, nil)
			if len(r.texts) > 0 {
				failed = append(failed, p.name)
			}
		}
		if !slices.Equal(failed, m.breaks) {
			t.Errorf("%s: the suite named %q", what, failed)
		}
	}
}
