package automaton

import (
	"slices"
	"strings"
)

// MaxOverlap bounds the DFA of a role that is saved: the number of its states and transitions, each counted once for every
// trie node in its state set. Patterns with equal prefixes share nodes and count once. Patterns that have "*" in different
// places count in every combination, so a few dozen patterns with many segments can pass the bound.
const MaxOverlap = 1 << 15

// Compile makes the DFA of a role from the lists of its own and of its inherited grants. No list has a pattern twice. The
// result does not depend on the order of the grants.
//
// If the patterns pass MaxOverlap, it returns the overlap as well. With strict the DFA then allows nothing. Without
// strict it consists of several automata, and decisions take longer. The error is that of the budget.
func Compile(grants [][]Grant, strict bool, budget Budget) (DFA, *Overlap, error) {
	total := 0
	for _, list := range grants {
		total += len(list)
	}
	if err := budget.spend(total); err != nil {
		return DFA{}, nil, err
	}
	exact := make(map[string]verdict, total)
	var patterns []pattern
	for _, list := range grants {
		for _, g := range list {
			if IsLiteral(g.Pattern) {
				exact[g.Pattern] |= g.verdict()
			} else {
				patterns = append(patterns, parse(g))
			}
		}
	}
	b := builder{budget: budget, states: slices.Clone(firstStates[:])}
	for permission, v := range exact {
		b.transitions = append(b.transitions, transition{permission, dead, uint32(v)})
	}
	var overlap *Overlap
	if len(patterns) > 0 {
		var err error
		if overlap, err = b.add(patterns, strict); err != nil || overlap != nil && strict {
			return DFA{}, overlap, err
		}
	}
	d := DFA{exact: len(exact) > 0, table: newTable(b.transitions), states: slices.Clone(b.states)}
	if len(b.starts) > 0 {
		d.start = b.starts[0]
	}
	if len(b.starts) > 1 {
		d.starts = b.starts
	}
	for i := range d.table {
		if t := &d.table[i]; t.text != "" && t.from == dead {
			t.to = uint32((verdict(t.to) | d.run(t.text)).final())
		}
	}
	return d, overlap, nil
}

// A builder collects the parts of a DFA.
type builder struct {
	budget      Budget
	states      []state
	transitions []transition
	starts      []uint32 // one for each automaton
}

// add adds one automaton for the patterns if it is within MaxOverlap. Otherwise it returns the overlap and, unless strict,
// adds several.
func (b *builder) add(patterns []pattern, strict bool) (*Overlap, error) {
	overlap, err := b.determinize(patterns, MaxOverlap)
	if overlap == nil || err != nil || strict {
		return overlap, err
	}
	return overlap, b.split(patterns, MaxOverlap)
}

// split adds one automaton if it is small for the length of the patterns, else splits them in two halves. So time and
// memory are O(n log n) in that length. A bound of tried is known to be too small.
func (b *builder) split(patterns []pattern, tried int) error {
	bound := 256
	for _, p := range patterns {
		bound += 32 * len(p.segments)
	}
	if bound > tried {
		if overlap, err := b.determinize(patterns, bound); overlap == nil || err != nil {
			return err
		}
	}
	half := len(patterns) / 2 // determinize has sorted them, so patterns with equal prefixes stay together
	if err := b.split(patterns[:half], 0); err != nil {
		return err
	}
	return b.split(patterns[half:], 0)
}

// determinize adds the automaton of the patterns, which it sorts. If the automaton passes the bound, it adds nothing and
// returns the overlap.
func (b *builder) determinize(patterns []pattern, bound int) (*Overlap, error) {
	segments := 0
	for _, p := range patterns {
		segments += len(p.segments)
	}
	if err := b.budget.spend(segments); err != nil {
		return nil, err
	}
	states, transitions := len(b.states), len(b.transitions)
	c := construction{builder: b, numbers: map[string]uint32{}, left: bound}
	start := c.state(initial(newTrie(patterns)))
	if c.err != nil {
		return nil, c.err
	}
	if c.left >= 0 {
		b.starts = append(b.starts, start)
		return nil, nil
	}
	b.states, b.transitions = b.states[:states], b.transitions[:transitions]
	c.largest.patterns = patterns
	return &c.largest, nil
}

// A construction is the subset construction of one automaton.
type construction struct {
	*builder
	numbers map[string]uint32 // of the states, by the keys of their state sets
	left    int               // how much the automaton may still grow; negative after it has passed the bound
	err     error             // of the budget
	prefix  []string          // the segments read so far
	largest Overlap           // in the largest state set so far
}

func (c *construction) grow(n int) {
	if c.left -= n; c.err == nil {
		c.err = c.budget.spend(n)
	}
}

func (c *construction) over() bool { return c.left < 0 || c.err != nil }

// state returns the number of the state for a state set. It adds the state, and all that are reachable from it, if it is
// new. After the construction is over, the number means nothing.
func (c *construction) state(set stateSet) uint32 {
	switch {
	case set.passed == deny:
		return denyAll
	case set.allowsAll():
		return allowAll
	case len(set.nodes) == 0 || c.over():
		return dead
	}
	key := set.key()
	if number, ok := c.numbers[key]; ok {
		return number
	}
	if len(set.nodes) > c.largest.size {
		c.largest.size, c.largest.prefix = len(set.nodes), slices.Clone(c.prefix)
	}
	number := uint32(len(c.states))
	c.numbers[key] = number
	s := state{end: set.verdict()}
	c.states = append(c.states, s)
	c.grow(len(set.nodes))
	s.other = c.next(set, other)
	for _, segment := range unique(set.appendSegments(nil)) {
		c.grow(len(set.nodes))
		if to := c.next(set, segment); to != s.other {
			c.transitions = append(c.transitions, transition{segment, number, to})
			s.literal = true
		}
		if c.over() {
			break
		}
	}
	c.states[number] = s
	return number
}

// next returns the number of the state after one more segment.
func (c *construction) next(set stateSet, segment string) uint32 {
	c.prefix = append(c.prefix, segment)
	number := c.state(set.next(segment))
	c.prefix = c.prefix[:len(c.prefix)-1]
	return number
}

// An Overlap reports patterns that pass [MaxOverlap] together.
type Overlap struct {
	patterns []pattern
	prefix   []string // leads to the largest state set
	size     int      // of the largest state set
}

// Patterns returns the patterns that overlap most: those that match the prefix of the largest state set.
func (o *Overlap) Patterns() (texts []string) {
	for _, p := range o.patterns {
		matches := len(p.segments) >= len(o.prefix)
		for i := 0; matches && i < len(o.prefix); i++ {
			matches = p.segments[i] == "*" || p.segments[i] == o.prefix[i]
		}
		if matches {
			texts = append(texts, strings.Join(p.segments, "/"))
		}
	}
	return texts
}
