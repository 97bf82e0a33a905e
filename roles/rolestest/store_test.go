package rolestest

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/latchkey-go/latchkey/roles"
)

func TestMemoryStore(t *testing.T) {
	TestStore(t, func(*testing.T) roles.Store { return roles.NewMemoryStore() })
}

// For each promise there is a store that breaks it, and only it: the suite must say exactly that.
func TestEachBrokenPromiseIsNamed(t *testing.T) {
	told := map[string]bool{}
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) {
			if told[p.name] {
				t.Fatal("two promises have this name")
			}
			told[p.name] = true
			breaks, ok := broken[p.name]
			if !ok {
				t.Fatal("no store breaks this promise")
			}
			var failed []string
			for _, each := range promises {
				s := &store{memory: roles.NewMemoryStore()}
				s.load, s.revision, s.save, s.delete = s.memory.Load, s.memory.Revision, s.memory.Save, s.memory.Delete
				breaks(s)
				if r := watch(each, s); len(r.texts) > 0 {
					failed = append(failed, each.name)
					t.Logf("%s: %s", each.name, strings.Join(r.texts, "; "))
				}
			}
			if !slices.Equal(failed, []string{p.name}) {
				t.Errorf("the suite named %q", failed)
			}
		})
	}
	if len(broken) != len(promises) {
		t.Errorf("%d broken stores for %d promises", len(broken), len(promises))
	}
}

// A recorder is a reporter that writes down what a test would have failed with.
type recorder struct {
	mu    sync.Mutex
	texts []string
}

func watch(p promise, s roles.Store) *recorder {
	r := &recorder{}
	done := make(chan struct{})
	go func() { // Fatalf ends the goroutine, as it does in a test
		defer close(done)
		p.check(r, s)
	}()
	<-done
	return r
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.texts = append(r.texts, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}
