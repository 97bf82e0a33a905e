package fresh

import (
	"testing"
	"time"
)

// faulty returns the decisions of a sound State but for what the fields replace.
type faulty struct {
	*State
	valid  func(Instant) bool
	polled func(Call, Revision, Instant) (applies, recent bool)
	wrote  func(Call) bool
	keep   func(Call, Instant) bool

	invalidate, beginWrite, endWrite, failed func()
}

func (f *faulty) Valid(now Instant) bool {
	if f.valid != nil {
		return f.valid(now)
	}
	return f.State.Valid(now)
}

func (f *faulty) Polled(c Call, r Revision, now Instant) (applies, recent bool) {
	if f.polled != nil {
		return f.polled(c, r, now)
	}
	return f.State.Polled(c, r, now)
}

func (f *faulty) Wrote(c Call) bool {
	if f.wrote != nil {
		return f.wrote(c)
	}
	return f.State.Wrote(c)
}

func (f *faulty) Keep(c Call, now Instant) bool {
	if f.keep != nil {
		return f.keep(c, now)
	}
	return f.State.Keep(c, now)
}

func (f *faulty) Invalidate() { either(f.invalidate, f.State.Invalidate) }
func (f *faulty) BeginWrite() { either(f.beginWrite, f.State.BeginWrite) }
func (f *faulty) EndWrite()   { either(f.endWrite, f.State.EndWrite) }
func (f *faulty) Failed()     { either(f.failed, f.State.Failed) }

func either(f, sound func()) {
	if f != nil {
		f()
	} else {
		sound()
	}
}

// TestSimulationFindsFaults seeds one fault after the other.
func TestSimulationFindsFaults(t *testing.T) {
	if raceEnabled {
		t.Skip("one goroutine, and ten times slower under the race detector")
	}
	nothing := func() {}
	for name, fault := range map[string]func(*State) *faulty{
		"the lease survives a local write": func(s *State) *faulty {
			return &faulty{State: s, beginWrite: func() { s.writes++; s.epoch++ }, endWrite: func() { s.writes--; s.epoch++ }}
		},
		"a write is noted only when it has ended": func(s *State) *faulty {
			return &faulty{State: s, beginWrite: nothing, endWrite: func() { s.epoch++ }}
		},
		"a write is noted only when it begins": func(s *State) *faulty {
			return &faulty{State: s, endWrite: func() { s.writes-- }}
		},
		"a poll is applied during a write": func(s *State) *faulty {
			return &faulty{State: s, polled: func(c Call, r Revision, now Instant) (bool, bool) {
				defer func(n int) { s.writes = n }(s.writes)
				s.writes = 0
				return s.Polled(c, r, now)
			}, endWrite: func() { s.writes-- }}
		},
		"a poll from before an invalidation is applied": func(s *State) *faulty {
			return &faulty{State: s, polled: func(c Call, r Revision, now Instant) (bool, bool) {
				c.epoch = s.epoch
				return s.Polled(c, r, now)
			}}
		},
		"the lease counts from the answer": func(s *State) *faulty {
			return &faulty{State: s, polled: func(c Call, r Revision, now Instant) (bool, bool) {
				c.began = now
				return s.Polled(c, r, now)
			}}
		},
		"the lease never ends": func(s *State) *faulty {
			return &faulty{State: s, valid: func(Instant) bool { return s.lease != Lease{} }}
		},
		"the lease ignores the wall clock": func(s *State) *faulty {
			return &faulty{State: s, valid: func(now Instant) bool { return now.Mono < s.lease.until.Mono }}
		},
		"the lease ignores the monotonic clock": func(s *State) *faulty {
			return &faulty{State: s, valid: func(now Instant) bool { return now.Wall < s.lease.until.Wall }}
		},
		"the lease lasts twice the staleness": func(s *State) *faulty {
			return &faulty{State: s, valid: func(now Instant) bool {
				return Lease{Instant{s.lease.until.Mono + staleness, s.lease.until.Wall + int64(staleness)}}.Holds(now)
			}}
		},
		"the store draws no tags": func(s *State) *faulty { return &faulty{State: s} },
		"an answer is cached though a poll reported a change meanwhile": func(s *State) *faulty {
			return &faulty{State: s, keep: func(c Call, now Instant) bool { return s.Lease(c).Holds(now) }}
		},
		"an answer is cached however late it comes": func(s *State) *faulty {
			return &faulty{State: s, keep: func(c Call, _ Instant) bool { return c.epoch == s.epoch }}
		},
		"a failed call is no sign of a failover": func(s *State) *faulty {
			return &faulty{State: s, polled: func(c Call, r Revision, now Instant) (bool, bool) {
				applies, _ := s.Polled(c, r, now)
				return applies, false
			}}
		},
		"a written value is installed over a later one": func(s *State) *faulty {
			return &faulty{State: s, wrote: func(c Call) bool {
				c.epoch, c.began = s.epoch, Instant{c.began.Mono + staleness, c.began.Wall + int64(staleness)}
				return s.Wrote(c)
			}}
		},
		"a write is no reason to discard a poll": func(s *State) *faulty {
			return &faulty{State: s, wrote: func(c Call) bool { s.lease = s.Lease(c); return true }}
		},
		"a change of revision does not begin an epoch": func(s *State) *faulty {
			return &faulty{State: s, polled: func(c Call, r Revision, now Instant) (bool, bool) {
				epoch := s.epoch
				applies, recent := s.Polled(c, r, now)
				s.epoch = epoch
				return applies, recent
			}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			for seed := uint64(1); seed <= 10_000; seed++ {
				if err := simulate(seed, nodesOf(seed), name == "the store draws no tags", func(s *State) machine { return fault(s) }); err != nil {
					t.Logf("found after %d schedules, %v: %v", seed, time.Since(began), err)
					return
				}
			}
			t.Fatal("the simulation does not find it")
		})
	}
}
