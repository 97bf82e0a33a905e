package automaton

// A DFA decides which permissions the grants of one role allow. [Compile] makes one. The zero DFA allows nothing. A
// DFA does not change, and may be used by several goroutines at once.
//
// The fields come in the order in which a decision reads them, so that they share few cache lines: with many roles, reading
// these is most of the cost of a decision.
type DFA struct {
	start  uint32 // the start state, or dead without patterns
	exact  bool   // some grants have no wildcard
	table  table
	states []state
	starts []uint32 // the start states if there are several automata, else nil
}

// A state is a state of the DFA. Its transitions are in the table.
type state struct {
	other   uint32  // the next state after a segment without a transition
	end     verdict // of a permission that ends here
	literal bool    // it has transitions
}

// The first states are the same in all DFAs. They lead only to themselves.
const (
	dead     uint32 = 0 // no pattern matches any continuation; table entries from here are the exact grants
	allowAll uint32 = 1 // every well-formed continuation is allowed
	denyAll  uint32 = 2
)

var firstStates = [...]state{
	dead:     {other: dead, end: none},
	allowAll: {other: allowAll, end: allow},
	denyAll:  {other: denyAll, end: deny},
}

// Allows reports whether the grants allow this permission. It is false if the permission is not well formed. It allocates
// nothing.
func (d *DFA) Allows(permission string) bool {
	if len(permission) > MaxPermission {
		return false
	}
	if d.exact {
		if t := d.table.lookup(dead, permission); t != nil {
			return verdict(t.to) == allow
		}
	}
	return d.start != dead && d.run(permission) == allow
}

// run returns the verdict of the patterns alone.
func (d *DFA) run(permission string) verdict {
	if d.starts == nil {
		return d.runFrom(d.start, permission)
	}
	v := none
	for _, start := range d.starts {
		v |= d.runFrom(start, permission)
	}
	return v.final()
}

// runFrom runs one automaton. It returns allow only for a well-formed permission. For others it may return none or deny.
func (d *DFA) runFrom(from uint32, permission string) verdict {
	for i, n := 0, 1; n <= MaxSegments; n++ {
		end := SegmentEnd(permission, i)
		if end < 0 {
			return deny
		}
		s := &d.states[from]
		next := s.other
		if s.literal {
			if t := d.table.lookup(from, permission[i:end]); t != nil {
				next = t.to
			}
		}
		if next == dead {
			return none
		}
		from = next
		if end == len(permission) {
			return d.states[from].end
		}
		i = end + 1
	}
	return deny
}
