package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/latchkey-go/latchkey/examples/internal/pgserver"
)

// bound is B: the longest time that a change on one node may be unseen on another.
const bound = 200 * time.Millisecond

// trials is the number of changes per engine, over all kinds.
func trials() int {
	if os.Getenv("LATCHKEY_LONG") != "" {
		return 1000
	}
	return 100
}

// A trial is a change on one node that another node must see.
type trial struct {
	key           string // sent with each request; "" is none
	before, after int    // the expected statuses
	change        func() (newKey string)
}

// kinds make a trial each, on node a.
var kinds = []struct {
	name string
	make func(a *process, number int) trial
}{
	{"invalidate", func(a *process, _ int) trial {
		issued := a.do("issue reader")
		return trial{issued[1], 200, 401, func() string { a.do("invalidate " + issued[0]); return "" }}
	}},
	{"refresh", func(a *process, _ int) trial {
		issued := a.do("issue reader")
		return trial{issued[1], 200, 401, func() string { return a.do("refresh " + issued[0])[0] }}
	}},
	{"role edit", func(a *process, number int) trial {
		role := fmt.Sprintf("edited%d", number%10)
		a.do("open " + role)
		issued := a.do("issue " + role)
		if number%2 == 0 {
			return trial{issued[1], 200, 403, func() string { a.do("shut " + role); return "" }}
		}
		a.do("shut " + role)
		return trial{issued[1], 403, 200, func() string { a.do("open " + role); return "" }}
	}},
	{"user of the host", func(a *process, number int) trial {
		user := fmt.Sprintf("user%d", number)
		a.do("activate " + user)
		issued := a.do("issue-user " + user)
		if number%2 == 0 {
			return trial{issued[1], 200, 401, func() string { a.do("deactivate " + user); return "" }}
		}
		a.do("deactivate " + user)
		return trial{issued[1], 401, 200, func() string { a.do("activate " + user); return "" }}
	}},
	{"public API", func(a *process, number int) trial {
		if number%2 == 0 {
			a.do("publish reader")
			return trial{"", 200, 401, func() string { a.do("unpublish"); return "" }}
		}
		a.do("unpublish")
		return trial{"", 401, 200, func() string { a.do("publish reader"); return "" }}
	}},
}

func TestChangesReachTheOtherNode(t *testing.T) {
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		db := pgserver.Shared(t).NewDatabase(t)
		a := start(t, "-db", db, "-b", bound.String())
		b := start(t, "-db", db, "-b", bound.String())
		a.do("open reader")
		seen := newDelays()
		for i := range trials() / 2 {
			seen.run(t, a, b, i, "listener")
		}
		b.do("cut")
		for i := range trials() / 2 {
			seen.run(t, a, b, trials()/2+i, "listener cut")
		}
		seen.report(t, a, b)
	})
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		db := filepath.Join(t.TempDir(), "keys.db")
		a := start(t, "-db", db, "-b", bound.String())
		b := start(t, "-db", db, "-b", bound.String())
		a.do("open reader")
		seen := newDelays()
		for i := range trials() {
			seen.run(t, a, b, i, "poll")
		}
		seen.report(t, a, b)
	})
}

// delays are the times from a's answer to a change until b's answer shows it, per kind.
type delays map[string]*delay

type delay struct {
	seen    []time.Duration // until the end of the first answer with the change, with the delays of a busy machine
	lastOld time.Duration   // until the start of the latest request with the old answer: B bounds this one
}

func newDelays() delays { return delays{} }

func (d delays) of(name string) *delay {
	if d[name] == nil {
		d[name] = &delay{}
	}
	return d[name]
}

// run makes one change. It fails if a's next answer does not show the change, or if b gives the old answer to a
// request that began more than B after a's answer.
func (d delays) run(t *testing.T, a, b *process, i int, how string) {
	t.Helper()
	kind := kinds[i%len(kinds)]
	trial := kind.make(a, i/len(kinds))
	warm(t, b, kind.name, trial)
	time.Sleep(rand.N(bound / 2)) // avoids running in step with a poll
	if got := b.get(trial.key).status; got != trial.before {
		t.Fatalf("%s: status %d on the other node before the change, want %d", kind.name, got, trial.before)
	}

	newKey := trial.change()
	changed := time.Now()
	if got := a.get(trial.key).status; got != trial.after {
		t.Fatalf("%s: the node that made the change answers %d to the next request, want %d", kind.name, got, trial.after)
	}
	if newKey != "" {
		if got := a.get(newKey).status; got != trial.before {
			t.Fatalf("%s: the new key gets %d where it was made, want %d", kind.name, got, trial.before)
		}
		// Wait until b has refused the old key: a look-up of the new one would also tell b that the old one has
		// changed.
		defer func() {
			if got := b.get(newKey).status; got != trial.before {
				t.Fatalf("%s: the new key gets %d on the other node, want %d", kind.name, got, trial.before)
			}
		}()
	}
	for seen := d.of(kind.name + ", " + how); ; {
		switch got := b.get(trial.key); {
		case got.status == trial.after:
			seen.seen = append(seen.seen, got.done.Sub(changed))
			return
		case got.status != trial.before:
			t.Fatalf("%s: status %d on the other node, neither the old answer nor the new", kind.name, got.status)
		case got.begun.Sub(changed) > bound:
			t.Fatalf("%s, %s: %v after the change a request got the old answer %d; the bound is %v",
				kind.name, how, got.begun.Sub(changed), got.status, bound)
		default:
			seen.lastOld = max(seen.lastOld, got.begun.Sub(changed))
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// warm asks until b gives the old answer three times without a database look-up.
func warm(t *testing.T, b *process, kind string, trial trial) {
	t.Helper()
	reads, same := "", 0
	for begun := time.Now(); same < 3; time.Sleep(2 * time.Millisecond) {
		got := b.get(trial.key)
		if same++; got.status != trial.before || got.reads != reads {
			reads, same = got.reads, 0
		}
		if time.Since(begun) > 10*time.Second {
			t.Fatalf("%s: the other node does not come to rest at %d: last %+v", kind, trial.before, got)
		}
	}
}

// report prints median and maximum per kind.
func (d delays) report(t *testing.T, a, b *process) {
	n := 0
	for _, name := range slices.Sorted(maps.Keys(d)) {
		times := d[name].seen
		slices.Sort(times)
		n += len(times)
		t.Logf("%-30s %4d trials, seen after %6.1f ms (median), %6.1f ms (maximum); last old answer after %6.1f ms",
			name, len(times), milliseconds(times[len(times)/2]), milliseconds(times[len(times)-1]), milliseconds(d[name].lastOld))
	}
	t.Logf("SUMMARY %s: %d of %d changes seen by the other node within B = %v; %d answers were 503",
		t.Name(), n, trials(), bound, a.unavailable+b.unavailable)
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// A node that cannot poll must not go on with its cached entries.
func TestANodeWithoutItsDatabaseAnswers503(t *testing.T) {
	server := pgserver.Start(t)
	a := start(t, "-db", server.NewDatabase(t), "-b", bound.String())
	a.do("open reader")
	a.do("publish reader")
	issued := a.do("issue reader")
	credentials := map[string]string{"a key": issued[1], "no key": ""}
	for name, key := range credentials {
		if got := a.once(key).status; got != http.StatusOK {
			t.Fatalf("%s: status %d before the fault", name, got)
		}
	}
	server.StopImmediate(t)
	time.Sleep(bound)
	for range 20 {
		for name, key := range credentials {
			if got := a.once(key).status; got != http.StatusServiceUnavailable {
				t.Errorf("%s: status %d without a database", name, got)
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	server.Restart(t)
	for name, key := range credentials {
		for begun := time.Now(); a.once(key).status != http.StatusOK; time.Sleep(10 * time.Millisecond) {
			if time.Since(begun) > 10*time.Second {
				t.Fatalf("%s: still refused 10 s after the database is back", name)
			}
		}
	}
}
