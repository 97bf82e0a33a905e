package fresh

import (
	"container/heap"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"
)

var seed = flag.Uint64("seed", 0, "run this schedule of the simulation alone")

// TestSimulation runs schedules of a few nodes over one store. A failure names its seed, and
//
//	go test ./internal/fresh -run Simulation -seed N
//
// runs that schedule again. With LATCHKEY_LONG=1 there are a million, and some with a hundred nodes.
func TestSimulation(t *testing.T) {
	sound := func(s *State) machine { return s }
	if *seed != 0 {
		if err := simulate(*seed, nodesOf(*seed), false, sound); err != nil {
			t.Fatal(err)
		}
		return
	}
	schedules := uint64(10_000)
	if testing.Short() || raceEnabled {
		schedules = 1000
	}
	if os.Getenv("LATCHKEY_LONG") != "" {
		schedules = 1_000_000
		for s := uint64(1); s <= 200; s++ {
			if err := simulate(s, 100, false, sound); err != nil {
				t.Fatalf("a hundred nodes: %v", err)
			}
		}
	}
	for s := uint64(1); s <= schedules; s++ {
		if err := simulate(s, nodesOf(s), false, sound); err != nil {
			t.Fatal(err)
		}
	}
}

func nodesOf(seed uint64) int { return 2 + int(seed%4) }

// A machine is what the simulation asks for decisions: a State, or one with a fault.
type machine interface {
	Begin(Instant) Call
	Valid(Instant) bool
	Polled(Call, Revision, Instant) (applies, recent bool)
	Failed()
	Wrote(Call) bool
	Keep(Call, Instant) bool
	Invalidate()
	BeginWrite()
	EndWrite()
}

// Valid reports whether cached answers may be used. A Follower reads a copy of the lease.
func (s *State) Valid(now Instant) bool { return s.lease.Holds(now) }

const (
	staleness = 1000 * time.Millisecond
	length    = 12 * time.Second // of a schedule
	keyCount  = 3
	maxLog    = 12 // changes that the store names; older ones are trimmed
)

// A world is one schedule: a queue of events in the order of true time.
type world struct {
	*rand.Rand
	untagged bool          // the store draws no tags
	pace     time.Duration // 1, or more if little is written, so that what was cached wrongly stays
	now      time.Duration
	events   events
	count    int
	store    store
	nodes    []*node
	err      error
}

type event struct {
	at  time.Duration
	seq int
	do  func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].seq < e[j].seq
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

func (w *world) after(d time.Duration, do func()) {
	w.count++
	heap.Push(&w.events, event{w.now + d, w.count, do})
}

// upTo returns a random duration below d.
func (w *world) upTo(d time.Duration) time.Duration { return time.Duration(w.Int64N(int64(d))) }

// delay is how long a message takes: mostly little, at times more than the staleness.
func (w *world) delay() time.Duration {
	if w.IntN(8) == 0 {
		return w.upTo(2 * staleness)
	}
	return w.upTo(30 * time.Millisecond)
}

func (w *world) fail(format string, a ...any) {
	if w.err == nil {
		w.err = fmt.Errorf(format, a...)
	}
}

// A store holds a value for each key, a revision, and a log of what changed. Its past is kept for the judge.
type store struct {
	snapshot
	down    bool
	standby snapshot   // it lacks the last change
	saved   []snapshot // backups
	past    []past
}

type snapshot struct {
	values   [keyCount]int // odd: revoked, for good
	revision Revision
	log      []change
}

type change struct {
	revision Revision
	key      int
}

// A past says what the values were from a time on.
type past struct {
	from     time.Duration
	values   [keyCount]int
	restored bool
}

func (w *world) record(restored bool) {
	w.store.past = append(w.store.past, past{w.now, w.store.values, restored})
}

// commit changes a key, and sends notices, some of which are lost, late or repeated.
func (w *world) commit(key int) {
	s := &w.store
	s.standby = s.snapshot
	if s.values[key]%2 == 0 && w.IntN(3) == 0 {
		s.values[key]++ // revoked
	} else {
		w.count += 2
		s.values[key] = w.count * 2
	}
	s.revision = Revision{s.revision.Number + 1, w.Uint64()}
	if w.untagged {
		s.revision.Tag = 0
	}
	s.log = append(slices.Clip(s.log), change{s.revision, key})
	if len(s.log) > maxLog {
		s.log = s.log[len(s.log)-maxLog:]
	}
	w.record(false)
	for _, n := range w.nodes {
		for range []int{1, 1, 0, 2}[w.IntN(4)] {
			w.after(w.delay(), func() { n.run(n.state.Invalidate); n.wake() })
		}
	}
}

// restore brings back a backup, or what a standby had when it was promoted.
func (w *world) restore() {
	switch {
	case w.IntN(2) == 0:
		w.store.snapshot = w.store.standby
	case len(w.store.saved) > 0:
		w.store.snapshot = w.store.saved[w.IntN(len(w.store.saved))]
	default:
		return
	}
	w.record(true)
	for range w.IntN(4) { // and at once as many changes as were lost, perhaps
		w.commit(w.IntN(keyCount))
	}
}

// held reports whether key had this value at some time from one time to another.
func (s *store) held(key, value int, from, to time.Duration) bool {
	for _, p := range slices.Backward(s.past) {
		if p.from <= to && p.values[key] == value {
			return true
		}
		if p.from <= from {
			return false
		}
	}
	return false
}

// A node caches values under the decisions of its machine. A node of the first kind looks each key up; one of the others
// polls all of them at once. Of these the third kind writes as the first does, the second by conditional writes.
type node struct {
	w               *world
	id              int
	kind            int
	state           machine
	cache           map[int]int
	recent, earlier []int // keys that were cached since the last poll, and before it

	polling, wanted bool
	lookups         map[int]*lookup
	wrote           [keyCount][]ownWrite    // that have returned
	revoked         [keyCount]time.Duration // when it first answered with the value seen
	seen            [keyCount]int

	asleep  bool
	waiting []func()      // for when it is awake
	lag     time.Duration // of the monotonic clock
	skew    time.Duration // of the wall clock
}

// An ownWrite is a write through the node: when it was committed, and when the writer knew.
type ownWrite struct{ committed, returned time.Duration }

// bound returns when the last write was committed that the writer knew of when a caller began.
func (n *node) bound(key int, began time.Duration) (at time.Duration) {
	for _, o := range n.wrote[key] {
		if o.returned < began {
			at = max(at, o.committed)
		}
	}
	return at
}

type lookup struct {
	call    Call
	callers []time.Duration // when each began
	behind  bool            // another look-up of the key was answered since
}

func (n *node) clock() Instant {
	return Instant{n.w.now - n.lag, int64(n.w.now + n.skew)}
}

// run does something on the node, once it is awake.
func (n *node) run(do func()) {
	if n.asleep {
		n.waiting = append(n.waiting, do)
	} else {
		do()
	}
}

// answer is called for each answer of the node to a caller who began at the given time.
func (n *node) answer(key, value int, began time.Duration, how string) {
	w := n.w
	from := max(began-staleness, 0)
	if how == "cached" {
		from = max(w.now-staleness, 0)
	}
	from = max(from, n.bound(key, began))
	if !w.store.held(key, value, from, w.now) {
		w.fail("at %v node %d (kind %d) answered key %d with %d (%s), which the store has not had since %v",
			w.now, n.id, n.kind, key, value, how, from)
	}
	if n.seen[key]%2 == 1 && value == n.seen[key]-1 && began >= n.revoked[key] {
		restored := slices.ContainsFunc(w.store.past, func(p past) bool { return p.restored && p.from+3*staleness >= n.revoked[key] })
		if !restored {
			w.fail("at %v node %d (kind %d) answered key %d with %d (%s) after it was revoked", w.now, n.id, n.kind, key, value, how)
		}
	}
	if n.seen[key] != value {
		n.seen[key], n.revoked[key] = value, w.now
	}
}

func (n *node) request(key int) {
	now := n.clock()
	if v, ok := n.cache[key]; ok && n.state.Valid(now) {
		n.answer(key, v, n.w.now, "cached")
		return
	}
	n.wake()
	if n.kind != 0 {
		return // 503, or it waits for the poll
	}
	if l := n.lookups[key]; l != nil && n.state.Keep(l.call, now) {
		l.callers = append(l.callers, n.w.now)
		return
	}
	l := &lookup{call: n.state.Begin(now), callers: []time.Duration{n.w.now}}
	n.lookups[key] = l
	n.w.ask(func() func() {
		value := n.w.store.values[key]
		return func() {
			n.run(func() {
				if other := n.lookups[key]; other != nil {
					other.behind = other != l
					delete(n.lookups, key)
				}
				for _, began := range l.callers {
					n.answer(key, value, began, "looked up")
				}
				delete(n.cache, key) // else a later caller might get an older answer than this one
				if !l.behind && n.state.Keep(l.call, n.clock()) {
					n.cache[key] = value
					n.recent = append(n.recent, key)
				}
			})
		}
	}, func() {
		n.run(func() {
			n.state.Failed()
			if n.lookups[key] == l {
				delete(n.lookups, key)
			}
		})
	})
}

// ask sends a question to the store, which may be down, and brings the answer back.
func (w *world) ask(read func() (answered func()), failed func()) {
	w.after(w.delay(), func() {
		if w.store.down || w.IntN(15) == 0 {
			w.after(w.delay(), failed)
			return
		}
		w.after(w.delay(), read())
	})
}

func (n *node) wake() {
	if n.polling {
		n.wanted = true
	} else {
		n.poll(nil)
	}
}

// poll polls once; then, if not nil, runs with whether it was applied and whether it failed.
func (n *node) poll(then func(applied, failed bool)) {
	n.polling, n.wanted = true, false
	call := n.state.Begin(n.clock())
	over := false
	end := func(applied, failed bool) {
		n.run(func() {
			n.polling = false
			if then != nil {
				then(applied, failed)
			}
			if n.wanted && !n.polling {
				n.poll(nil)
			}
		})
	}
	n.w.ask(func() func() {
		s := n.w.store.snapshot
		return func() {
			n.run(func() {
				if over {
					return
				}
				over = true
				applied, recent := n.state.Polled(call, s.revision, n.clock())
				switch {
				case !applied:
				case n.kind != 0 && (s.revision != call.Since || call.Since == Revision{}):
					n.install(s.values)
				case n.kind != 0:
				default:
					n.drop(s, call.Since)
					if recent {
						for _, key := range slices.Concat(n.earlier, n.recent) {
							delete(n.cache, key)
						}
					}
				}
				if applied {
					n.earlier, n.recent = n.recent, nil
				}
				end(applied, false)
			})
		}
	}, func() {
		n.run(func() {
			if !over {
				over = true
				n.state.Failed()
				end(false, true)
			}
		})
	})
}

func (n *node) install(values [keyCount]int) {
	for key, v := range values {
		n.cache[key] = v
	}
}

// drop drops what changed since a revision: all, if the log does not have it.
func (n *node) drop(s snapshot, since Revision) {
	if s.revision == since {
		return
	}
	at := slices.IndexFunc(s.log, func(c change) bool { return c.revision == since })
	if at < 0 {
		clear(n.cache)
		return
	}
	for _, c := range s.log[at+1:] {
		delete(n.cache, c.key)
	}
}

// write changes a key through this node. It may fail before or after the commit, and its answer may be late.
func (n *node) write(key int) {
	w := n.w
	call := n.state.Begin(n.clock())
	if n.kind != 1 {
		n.state.BeginWrite()
	}
	w.after(w.delay(), func() {
		committed := !w.store.down && w.IntN(6) > 0
		if committed {
			w.commit(key)
		}
		at, s, known := w.now, w.store.snapshot, committed && w.IntN(6) > 0
		w.after(w.delay(), func() { n.run(func() { n.written(key, call, at, s, known) }) })
	})
}

func (n *node) written(key int, call Call, at time.Duration, s snapshot, known bool) {
	switch {
	case n.kind != 1:
		n.state.EndWrite()
		n.wake()
		if known {
			n.wrote[key] = append(n.wrote[key], ownWrite{at, n.w.now})
		}
	case known:
		// It returns once the change is installed or a later poll has been applied, and else uses nothing cached.
		if n.state.Wrote(call) {
			n.install(s.values)
		} else {
			n.state.Invalidate()
		}
		n.wrote[key] = append(n.wrote[key], ownWrite{at, n.w.now})
		n.wake()
	default:
		n.state.Invalidate()
		n.wake()
	}
}

// simulate runs one schedule and returns the first promise that was broken.
func simulate(seed uint64, nodes int, untagged bool, make func(*State) machine) error {
	w := &world{Rand: rand.New(rand.NewPCG(seed, 1)), untagged: untagged, pace: 1 + time.Duration(seed%3)*4}
	w.record(false)
	lookups := seed%4 > 0
	for id := range nodes {
		s := NewState(staleness)
		kind := id % 3
		if !lookups {
			kind = 1 + id%2
		}
		n := &node{w: w, id: id, kind: kind, state: make(&s), cache: map[int]int{}, lookups: map[int]*lookup{}}
		w.nodes = append(w.nodes, n)
		w.live(n)
	}
	every := func(mean time.Duration, do func()) {
		var again func()
		again = func() { do(); w.after(mean/2+w.upTo(mean), again) }
		w.after(w.upTo(mean), again)
	}
	every(400*time.Millisecond*w.pace, func() { w.commit(w.IntN(keyCount)) }) // by another program
	every(2*time.Second, func() { w.store.saved = append(w.store.saved, w.store.snapshot) })
	every(4*time.Second, func() {
		if w.store.down {
			return
		}
		w.commit(w.IntN(keyCount)) // which some nodes look up before the store goes away, and may be lost
		w.after(w.upTo(200*time.Millisecond), func() {
			if w.store.down {
				return
			}
			w.store.down = true
			away := w.upTo(4 * staleness)
			w.after(away, func() {
				if away >= 2*staleness && w.IntN(3) > 0 {
					w.restore()
				}
				w.store.down = false
			})
		})
	})
	if !lookups {
		every(8*time.Second, w.restore) // in no time
	}
	for w.err == nil && len(w.events) > 0 {
		e := heap.Pop(&w.events).(event)
		if w.now = e.at; w.now > length {
			break
		}
		e.do()
	}
	if w.err != nil {
		return fmt.Errorf("seed %d: %w", seed, w.err)
	}
	return nil
}

// live has a node polled, asked, written through, suspended, and its clock set.
func (w *world) live(n *node) {
	every := func(mean time.Duration, do func()) {
		var again func()
		again = func() { n.run(do); w.after(mean/2+w.upTo(mean), again) }
		w.after(w.upTo(mean), again)
	}
	every(staleness*2/5, n.wake)
	every(40*time.Millisecond, func() { n.request(w.IntN(keyCount)) })
	if n.kind == 0 {
		every(600*time.Millisecond*w.pace, func() { delete(n.cache, w.IntN(keyCount)) }) // to make room
	}
	every(900*time.Millisecond*w.pace, func() { n.write(w.IntN(keyCount)) })
	if n.id%2 == 0 { // its machine is suspended at times
		every(5*time.Second, func() {
			n.asleep = true
			d := w.upTo(3 * staleness)
			w.after(d, func() {
				n.asleep = false
				n.lag += d
				// whatever runs first sees the clocks as they are then
				waiting := n.waiting
				n.waiting = nil
				w.Shuffle(len(waiting), func(i, j int) { waiting[i], waiting[j] = waiting[j], waiting[i] })
				for _, do := range waiting {
					n.run(do)
				}
			})
		})
	} else { // its wall clock is set
		every(3*time.Second, func() { n.skew += w.upTo(4*staleness) - 2*staleness })
	}
}
