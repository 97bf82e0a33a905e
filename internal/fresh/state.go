package fresh

import "time"

// An Instant is a time by two clocks, since either may be wrong alone: the monotonic one can stand still while a machine
// is suspended, and the wall clock can be set back.
type Instant struct {
	Mono time.Duration // since an arbitrary time
	Wall int64         // Unix nanoseconds
}

var start = time.Now()

// At returns t as an Instant.
func At(t time.Time) Instant { return Instant{t.Sub(start), t.UnixNano()} }

// A Lease allows the use of cached answers until it ends. The zero Lease has ended.
type Lease struct{ until Instant }

// LeaseFrom returns a lease that ends d after began.
func LeaseFrom(began Instant, d time.Duration) Lease {
	return Lease{Instant{began.Mono + d, began.Wall + int64(d)}}
}

// Holds reports whether the lease has not ended by either clock.
func (l Lease) Holds(now Instant) bool { return now.Mono < l.until.Mono && now.Wall < l.until.Wall }

// Left returns how long the lease lasts by the monotonic clock, which may be less than nothing.
func (l Lease) Left(now Instant) time.Duration { return l.until.Mono - now.Mono }

// A State decides which cached answers of a store a node may use. It is told of events (a poll or a look-up that
// begins or is answered, a failure, a local write, an invalidation) with the time at which they happen. It is not safe
// for concurrent use. Make it with NewState.
//
// Cached answers may be used while a lease holds. A poll grants the lease, counted from the time at which it began, if
// nothing was invalidated since then and no local write is under way. An answer may be cached only if nothing was
// invalidated and no poll reported a change while it was under way: the next poll then names whatever it missed.
//
// A failover or a restored backup may take the store back to the revision that the node knows. For example: a poll reports
// revision 5; the change to 6 is looked up and cached; the store loses 6 and is back at 5; the next poll reports 5, and names
// no change. So after any sign that the store was away (a call failed, or the lease ended before the next poll began) the
// next poll drops what was looked up since the poll before began.
type State struct {
	staleness time.Duration
	revision  Revision // the last poll reported it
	epoch     uint64   // grows with all that makes earlier answers unusable
	writes    int      // local writes under way
	lease     Lease
	granted   Lease // of the last poll that applied; Invalidate keeps it
	failed    bool  // a call has failed since the last poll
}

// NewState returns a State without a lease, which knows no revision.
func NewState(staleness time.Duration) State { return State{staleness: staleness} }

// A Call is a poll or a look-up that has begun.
type Call struct {
	Since Revision // the revision that the node knew
	epoch uint64
	began Instant
}

// Lease returns a lease for the answer to c, which may be as old as the beginning of c.
func (s *State) Lease(c Call) Lease { return LeaseFrom(c.began, s.staleness) }

// Begin says that a poll or a look-up begins.
func (s *State) Begin(now Instant) Call { return Call{s.revision, s.epoch, now} }

// Failed says that a call of the store has failed.
func (s *State) Failed() { s.failed = true }

// Polled says that poll c was answered with the store's revision. applies is false if the answer is late or began before an
// invalidation; it has to be discarded. If it applies, the caller has to drop what the store reported as
// changed after c.Since, and with recent all that was cached since the last poll that applied began, before cached answers
// are used again.
func (s *State) Polled(c Call, r Revision, now Instant) (applies, recent bool) {
	granted := s.Lease(c)
	if c.epoch != s.epoch || s.writes > 0 {
		return false, false
	}
	if s.staleness > 0 && !granted.Holds(now) {
		s.failed = true
		return false, false
	}
	recent = s.failed || !s.granted.Holds(c.began)
	if r != s.revision || recent {
		s.revision = r
		s.epoch++
	}
	s.lease, s.granted, s.failed = granted, granted, false
	return true, recent
}

// Wrote says that a conditional write, begun as c, has succeeded, so that the store held exactly what was written. It
// grants the lease for that and returns true, unless something else was reported meanwhile. The revision is not known
// until the next poll.
func (s *State) Wrote(c Call) bool {
	sole := c.epoch == s.epoch && s.writes == 0
	s.epoch++
	s.revision = Revision{}
	if sole {
		s.lease = s.Lease(c)
	}
	return sole
}

// Keep reports whether the answer to look-up c may be cached if it comes now, and so whether a caller who begins now may
// wait for it.
func (s *State) Keep(c Call, now Instant) bool {
	return c.epoch == s.epoch && s.Lease(c).Holds(now)
}

// Invalidate says that the store may have changed. Cached answers may not be used until a poll that begins later has
// reported what changed.
func (s *State) Invalidate() {
	s.epoch++
	s.lease = Lease{}
}

// BeginWrite says that a local write begins. Until a poll that begins after EndWrite, cached answers may not be used:
// other callers may see the change before the writer knows that it is done.
func (s *State) BeginWrite() {
	s.writes++
	s.Invalidate()
}

// EndWrite says that a local write has ended, whether it succeeded or not: a write that failed may have been stored.
func (s *State) EndWrite() {
	s.writes--
	s.Invalidate()
}

// NextPoll returns how long after the beginning of one poll the next one begins: at least two fit into the staleness, with
// room for a late answer, and more after a failure.
func (s *State) NextPoll(failed bool) time.Duration {
	if failed {
		return min(s.staleness/10, time.Second)
	}
	return s.staleness * 2 / 5
}
