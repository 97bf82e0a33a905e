package keystest

import (
	"fmt"
	"maps"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/latchkey-go/latchkey/keys"
)

func TestMemoryStore(t *testing.T) {
	TestStore(t, func(*testing.T) keys.Store { return keys.NewMemoryStore() })
	TestLastUsed(t, func(*testing.T) (keys.Store, keys.LastUsedStore) {
		m := keys.NewMemoryStore()
		return m, m
	})
}

// A mutant is a store that breaks one promise.
type mutant struct {
	breaks string
	how    string
	worsen func(b *broken)
	// also names promises that cannot hold either, with the reason.
	also map[string]string
}

// TestSuite proves the suite: each mutant fails exactly the check of the promise it breaks, and no check is
// without a mutant.
func TestSuite(t *testing.T) {
	checks := slices.Concat(storeChecks(), lastUsedChecks)
	mutants := slices.Concat(readMutants, listMutants, insertMutants(), updateMutants(), endingMutants, dropRoleMutants, spaceMutants,
		textMutants(), fieldMutants, isolationMutants(), cancelledMutants(), raceMutants(), lastUsedMutants)
	unproven := map[string]bool{}
	for _, c := range checks {
		if unproven[c.promise] {
			t.Errorf("two checks of one promise: %s", c.promise)
		}
		unproven[c.promise] = true
	}
	for _, m := range mutants {
		delete(unproven, m.breaks)
		t.Run(m.breaks+": "+m.how, func(t *testing.T) {
			t.Parallel()
			want := append(slices.Collect(maps.Keys(m.also)), m.breaks)
			for _, c := range checks {
				b := newBroken(m.worsen)
				if c.promise == "List returns at most 1000 records" && b.list == nil {
					continue // a long check of something that this store does not do worse
				}
				failures := listen(c, b)
				broke := slices.Contains(want, c.promise)
				for again := 0; broke && len(failures) == 0 && again < 5; again++ {
					failures = listen(c, newBroken(m.worsen)) // a race is not lost every time, on one core least of all
				}
				switch {
				case broke && len(failures) == 0:
					t.Errorf("not noticed by: %s", c.promise)
				case !broke && len(failures) > 0:
					t.Errorf("a failure that points at another promise: %s", failures[0])
				}
			}
		})
	}
	for promise := range unproven {
		t.Errorf("no broken store proves the check of: %s", promise)
	}
	t.Logf("%d checks, %d mutants", len(checks), len(mutants))
}

// A listener hears what a check reports.
type listener struct {
	mu       sync.Mutex
	failures []string
}

func (l *listener) Helper() {}

func (l *listener) Errorf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failures = append(l.failures, fmt.Sprintf(format, args...))
}

func (l *listener) Fatalf(format string, args ...any) {
	l.Errorf(format, args...)
	runtime.Goexit()
}

// listen runs a check in a goroutine of its own, which Fatalf can end, and returns what it reports.
func listen(c check, b *broken) []string {
	var l listener
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.run(&probe{tb: &l, promise: c.promise, Store: b, uses: b})
	}()
	<-done
	return l.failures
}

// TestEveryFieldIsChecked: a store that forgets any one field of a record, in Insert or in Update, fails the
// check that looks at every field; also a field that a Record gets one day.
func TestEveryFieldIsChecked(t *testing.T) {
	fields := reflect.TypeFor[keys.Record]()
	kept := []string{"ID", "Space", "Kind", "UserID", "CreatedAt", "LastUsedAt", "Generation"} // Update looks at these or leaves them
	for i := range fields.NumField() {
		name := fields.Field(i).Name
		forget := func(r *keys.Record, instead keys.Record) {
			reflect.ValueOf(r).Elem().Field(i).Set(reflect.ValueOf(instead).Field(i))
		}
		onInsert := newBroken(storing(func(r *keys.Record) { forget(r, keys.Record{}) }))
		if len(listen(checkOf(t, "Insert adds a record that Get, Find and List show with every field"), onInsert)) == 0 {
			t.Errorf("a store that forgets %s in Insert is not noticed", name)
		}
		if slices.Contains(kept, name) {
			continue
		}
		onUpdate := newBroken(func(b *broken) {
			b.update = func(ctx ctx, r keys.Record) error {
				stored, _ := b.MemoryStore.Get(ctx, r.Space, r.ID)
				forget(&r, stored)
				return b.MemoryStore.Update(ctx, r)
			}
		})
		if len(listen(checkOf(t, "Update writes every field"), onUpdate)) == 0 {
			t.Errorf("a store that forgets %s in Update is not noticed", name)
		}
	}
}

func checkOf(t *testing.T, promise string) check {
	for _, c := range storeChecks() {
		if c.promise == promise {
			return c
		}
	}
	t.Fatalf("no such check: %s", promise)
	return check{}
}

// TestMessages: a failure quotes the promise and never a digest.
func TestMessages(t *testing.T) {
	r := custom()
	worse := r
	worse.Digest, worse.Name, worse.ExpiresAt = digest(), "Another", time.Now()
	var l listener
	p := &probe{tb: &l, promise: "Get returns the record with this ID"}
	p.same(worse, r, "a custom key")
	want := "broken promise: Get returns the record with this ID\n\ta custom key: field Name is Another, want Website build"
	if len(l.failures) != 3 || l.failures[0] != want {
		t.Errorf("got %q, want three, the first %q", l.failures, want)
	}
	if got := l.failures[1]; got != "broken promise: Get returns the record with this ID\n\ta custom key: field Digest is [digest], want [digest]" {
		t.Errorf("a difference in digests reads %q", got)
	}
}
