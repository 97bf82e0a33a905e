package publicapitest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey-go/latchkey/publicapi"
)

func TestMemoryStore(t *testing.T) {
	TestStore(t, func(*testing.T) publicapi.Store { return publicapi.NewMemoryStore() })
}

// mutant is a memory store that breaks one promise.
type mutant struct {
	*publicapi.MemoryStore
	load func(ctx context.Context, m *publicapi.MemoryStore) (publicapi.Setting, error)
	save func(ctx context.Context, m *publicapi.MemoryStore, s publicapi.Setting) error
}

func (m *mutant) Load(ctx context.Context) (publicapi.Setting, error) {
	if m.load != nil {
		return m.load(ctx, m.MemoryStore)
	}
	return m.MemoryStore.Load(ctx)
}

func (m *mutant) Save(ctx context.Context, s publicapi.Setting) error {
	if m.save != nil {
		return m.save(ctx, m.MemoryStore, s)
	}
	return m.MemoryStore.Save(ctx, s)
}

// listener takes failures down.
type listener struct{ failures []string }

func (*listener) Helper() {}
func (l *listener) Errorf(format string, args ...any) {
	l.failures = append(l.failures, fmt.Sprintf(format, args...))
}
func (l *listener) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// For each promise there is a store that breaks it, and no other check notices.
func TestEachBrokenPromiseIsFoundByItsCheck(t *testing.T) {
	mutants := map[string]func() *mutant{
		"the setting is zero if it was never saved": func() *mutant {
			return &mutant{load: func(ctx context.Context, m *publicapi.MemoryStore) (publicapi.Setting, error) {
				s, err := m.Load(ctx)
				if s.Revision == (publicapi.Revision{}) && err == nil {
					s.ChangedBy = "the installer"
				}
				return s, err
			}}
		},
		"Load returns the setting as it was last saved": func() *mutant {
			return &mutant{load: func(ctx context.Context, m *publicapi.MemoryStore) (publicapi.Setting, error) {
				s, err := m.Load(ctx)
				if s.Revision.Number > 1 && s.Role == "" && s.ChangedAt.IsZero() {
					s.Role = "visitor" // takes closed for unset
				}
				return s, err
			}}
		},
		"Save writes only over the Revision that it is based on": func() *mutant {
			return &mutant{save: func(ctx context.Context, m *publicapi.MemoryStore, s publicapi.Setting) error {
				if was, _ := m.Load(ctx); s.Revision.Number > was.Revision.Number {
					return nil // answers well, and forgets
				}
				return m.Save(ctx, s)
			}}
		},
		"every change has a tag of its own": func() *mutant {
			bare := func(r publicapi.Revision) publicapi.Revision { return publicapi.Revision{Number: r.Number} }
			return &mutant{load: func(ctx context.Context, m *publicapi.MemoryStore) (publicapi.Setting, error) {
				s, err := m.Load(ctx)
				s.Revision = bare(s.Revision)
				return s, err
			}, save: func(ctx context.Context, m *publicapi.MemoryStore, s publicapi.Setting) error {
				if was, _ := m.Load(ctx); s.Revision == bare(was.Revision) {
					s.Revision = was.Revision
				}
				return m.Save(ctx, s)
			}}
		},
		"a Save in conflict changes nothing": func() *mutant {
			return &mutant{save: func(ctx context.Context, m *publicapi.MemoryStore, s publicapi.Setting) error {
				was, _ := m.Load(ctx)
				err := m.Save(ctx, s)
				if err != nil && s.ChangedBy != "" { // writes first, looks later
					was.ChangedBy = s.ChangedBy
					_ = m.Save(ctx, was)
				}
				return err
			}}
		},
		"of concurrent Saves with one Revision exactly one succeeds": func() *mutant {
			var mu sync.Mutex
			lost := 0
			return &mutant{save: func(ctx context.Context, m *publicapi.MemoryStore, s publicapi.Setting) error {
				err := m.Save(ctx, s)
				mu.Lock()
				defer mu.Unlock()
				if err != nil && strings.HasPrefix(s.Role, "role-") && lost == 0 {
					lost++
					return nil // a second winner
				}
				return err
			}}
		},
		"texts come back byte for byte": func() *mutant {
			return &mutant{save: func(ctx context.Context, m *publicapi.MemoryStore, s publicapi.Setting) error {
				s.Role = strings.TrimRight(s.Role, " ")
				return m.Save(ctx, s)
			}}
		},
		"times come back in UTC to the microsecond": func() *mutant {
			return &mutant{load: func(ctx context.Context, m *publicapi.MemoryStore) (publicapi.Setting, error) {
				s, err := m.Load(ctx)
				if s.Role == "" {
					s.ChangedAt = s.ChangedAt.Truncate(time.Second)
				}
				return s, err
			}}
		},
		"a Load whose ctx is done returns its error": func() *mutant {
			return &mutant{load: func(ctx context.Context, m *publicapi.MemoryStore) (publicapi.Setting, error) {
				return m.Load(context.WithoutCancel(ctx))
			}}
		},
		"a Save whose ctx is done does nothing": func() *mutant {
			return &mutant{save: func(ctx context.Context, m *publicapi.MemoryStore, s publicapi.Setting) error {
				if err := m.Save(context.WithoutCancel(ctx), s); err != nil {
					return err
				}
				return ctx.Err()
			}}
		},
	}
	for _, c := range checks {
		if mutants[c.promise] == nil {
			t.Errorf("no mutant breaks %q", c.promise)
		}
	}
	for broken, make := range mutants {
		for _, c := range checks {
			m := make()
			m.MemoryStore = publicapi.NewMemoryStore()
			var l listener
			c.run(&l, m)
			if failed := len(l.failures) > 0; failed != (c.promise == broken) {
				t.Errorf("store that breaks %q: check %q failed: %v %q", broken, c.promise, failed, l.failures)
			}
		}
	}
}
