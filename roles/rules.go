package roles

// Rules are all grants that count for one role, made ready to be asked.
//
// Permissions granted by their full text are entries from state 0, with the final verdict: what patterns say
// of them is worked out beforehand. Patterns are automata that read a permission segment by segment, so that
// their number does not matter. Nearly always there is one; see addPatterns.
//
// The fields come in the order in which a decision reads them, so that they lie in few lines of the processor's
// cache: with many roles, reading these is most of what a decision costs.
type rules struct {
	start    uint32 // the first state of the automaton, or of the first of several; whole without patterns
	literals bool   // there are entries from state 0
	index    index
	states   []state
	starts   []uint32 // the first states of all automata if there are several, else nil
}

// A state is what is left to match of the patterns after some segments.
type state struct {
	other uint32  // the next state after a segment for which there is no entry from this one
	end   verdict // if the permission ends here
	named bool    // there are entries from this state
}

// The first states are the same in all rules. Nothing leads out of them.
const (
	whole      uint32 = 0 // no pattern can match (any more); entries from it are literal grants
	allAllowed uint32 = 1 // whatever follows is allowed, if it is well formed
	allDenied  uint32 = 2
)

var firstStates = [...]state{
	whole:      {other: whole, end: none},
	allAllowed: {other: allAllowed, end: allow},
	allDenied:  {other: allDenied, end: deny},
}

func (r *rules) allows(permission string) bool {
	if len(permission) > maxPermission {
		return false
	}
	if r.literals {
		if e := r.index.find(whole, permission); e != nil {
			return verdict(e.to) == allow
		}
	}
	return r.start != whole && r.patterns(permission) == allow
}

// patterns is the verdict of the patterns alone.
func (r *rules) patterns(permission string) verdict {
	if r.starts == nil {
		return r.read(r.start, permission)
	}
	said := none
	for _, start := range r.starts {
		said |= r.read(start, permission)
	}
	return said.final()
}

// read runs one automaton. It says allow only of a well-formed permission; of others it may say anything else.
func (r *rules) read(now uint32, permission string) verdict {
	for i, n := 0, 1; n <= maxSegments; n++ {
		end := segmentEnd(permission, i)
		if end < 0 {
			return deny
		}
		from := &r.states[now]
		next := from.other
		if from.named {
			if e := r.index.find(now, permission[i:end]); e != nil {
				next = e.to
			}
		}
		if next == whole {
			return none
		}
		now = next
		if end == len(permission) {
			return r.states[now].end
		}
		i = end + 1
	}
	return deny
}
