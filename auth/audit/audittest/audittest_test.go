package audittest

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/latchkey-go/latchkey/auth/audit"
)

// For each promise there is a log that breaks it, and only it: the suite must say exactly that.
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
				t.Fatal("no log breaks this promise")
			}
			var failed []string
			for _, each := range promises {
				l := &log{memory: audit.NewMemoryLog(0)}
				l.append, l.list = l.memory.Append, l.memory.List
				breaks(l)
				if texts := watch(each, l); len(texts) > 0 {
					failed = append(failed, each.name)
					t.Logf("%s: %s", each.name, strings.Join(texts, "; "))
				}
			}
			if !slices.Equal(failed, []string{p.name}) {
				t.Errorf("the suite named %q", failed)
			}
		})
	}
	if len(broken) != len(promises) {
		t.Errorf("%d broken logs for %d promises", len(broken), len(promises))
	}
}

// A recorder is a reporter that writes down what a test would have failed with.
type recorder struct {
	mu    sync.Mutex
	texts []string
}

func watch(p promise, l audit.Log) []string {
	r := &recorder{}
	var running sync.WaitGroup
	running.Go(func() { p.check(r, l) }) // Fatalf ends the goroutine, as it does in a test
	running.Wait()
	return r.texts
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
