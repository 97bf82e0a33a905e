package roles

import (
	"slices"
	"strings"
)

// makeRules merges the grants of all rows of one line of inheritance. Nothing here depends on their order. If the
// patterns pass maxOverlap, it returns them with what they overlap in: with strict it then returns no rules, otherwise
// rules that take longer. An error is the budget's.
func makeRules(line []*row, strict bool, b *Budget) (rules, *overlaps, error) {
	total := 0
	for _, each := range line {
		total += len(each.grants)
	}
	if err := b.spend(total); err != nil {
		return rules{}, nil, err
	}
	literals := make([]entry, 0, total)
	var patterns []rule
	for _, each := range line {
		for _, g := range each.grants {
			if isLiteral(g.text) {
				literals = append(literals, entry{g.text, whole, uint32(verdictOf(g.allowed))})
			} else {
				patterns = append(patterns, newRule(g.text, verdictOf(g.allowed)))
			}
		}
	}
	if len(line) > 1 {
		literals = mergeEqual(literals)
	}
	d := draft{states: slices.Clone(firstStates[:]), entries: literals}
	var over *overlaps
	if len(patterns) > 0 {
		var err error
		if over, err = d.addPatterns(patterns, strict, b); err != nil || over != nil && strict {
			return rules{}, over, err
		}
	}
	r := rules{literals: len(literals) > 0, index: newIndex(d.entries), states: slices.Clone(d.states)}
	if len(d.starts) > 0 {
		r.start = d.starts[0]
	}
	if len(d.starts) > 1 {
		r.starts = d.starts
	}
	for i := range r.index {
		if e := &r.index[i]; e.text != "" && e.from == whole {
			e.to = uint32((verdict(e.to) | r.patterns(e.text)).final())
		}
	}
	return r, over, nil
}

// mergeEqual leaves one entry for each text, with the verdicts of all.
func mergeEqual(entries []entry) []entry {
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.text, b.text) })
	kept := entries[:0]
	for _, e := range entries {
		if last := len(kept) - 1; last >= 0 && kept[last].text == e.text {
			kept[last].to = uint32((verdict(kept[last].to) | verdict(e.to)).final())
			continue
		}
		kept = append(kept, e)
	}
	return kept
}

// A draft is what becomes of patterns on the way to rules.
type draft struct {
	states  []state
	entries []entry
	starts  []uint32 // the first state of each automaton
}

// addPatterns turns patterns into one automaton. If that passes maxOverlap, it reports the overlaps. Unless strict it
// then goes on in the way for roles that were stored before there was the bound.
func (d *draft) addPatterns(patterns []rule, strict bool, b *Budget) (*overlaps, error) {
	over, err := d.addTree(patterns, maxOverlap, b)
	if over == nil || err != nil || strict {
		return over, err
	}
	return over, d.addParts(patterns, maxOverlap, b)
}

// addParts makes one automaton if it is small for the text of the patterns, else one for each half of them. So time
// and memory are linear in the text (times a logarithm). A bound up to tried is known to be too small.
func (d *draft) addParts(patterns []rule, tried int, b *Budget) error {
	bound := 256
	for _, p := range patterns {
		bound += 32 * len(p.segments)
	}
	if bound > tried {
		if over, err := d.addTree(patterns, bound, b); over == nil || err != nil {
			return err
		}
	}
	half := len(patterns) / 2 // addTree has sorted them, so that those which share a beginning stay together
	if err := d.addParts(patterns[:half], 0, b); err != nil {
		return err
	}
	return d.addParts(patterns[half:], 0, b)
}

// addTree adds the automaton of patterns, which it sorts. If it passes the bound, nothing is added.
func (d *draft) addTree(patterns []rule, bound int, b *Budget) (*overlaps, error) {
	segments := 0
	for _, p := range patterns {
		segments += len(p.segments)
	}
	if err := b.spend(segments); err != nil {
		return nil, err
	}
	states, entries := len(d.states), len(d.entries)
	a := automaton{draft: d, known: map[string]uint32{}, left: bound, budget: b}
	start := a.state(at(plant(patterns)))
	if a.left >= 0 {
		d.starts = append(d.starts, start)
		return nil, nil
	}
	d.states, d.entries = d.states[:states], d.entries[:entries]
	a.overlaps.patterns = patterns
	return &a.overlaps, b.failure()
}

// An automaton is one under construction inside a draft.
type automaton struct {
	*draft
	known  map[string]uint32
	left   int // how much it may still grow; below zero: given up
	budget *Budget
	at     []string // the segments read so far
	overlaps
}

// grow takes n from what is left.
func (a *automaton) grow(n int) {
	if a.left -= n; a.budget.spend(n) != nil {
		a.left = -1
	}
}

// state returns the number of the state for w, which it adds with all that follow if it is new.
func (a *automaton) state(w where) uint32 {
	switch {
	case w.held == deny:
		return allDenied
	case w.allowsAll():
		return allAllowed
	case len(w.nodes) == 0 || a.left < 0:
		return whole
	}
	key := w.key()
	if number, ok := a.known[key]; ok {
		return number
	}
	if len(w.nodes) > a.places {
		a.places, a.path = len(w.nodes), slices.Clone(a.at)
	}
	number := uint32(len(a.states))
	a.known[key] = number
	a.states = append(a.states, state{end: w.verdict()})
	a.grow(len(w.nodes))
	other := a.next(w, "", false)
	named := false
	for _, name := range unique(w.names(nil)) {
		a.grow(len(w.nodes))
		if to := a.next(w, name, true); to != other {
			a.entries = append(a.entries, entry{name, number, to})
			named = true
		}
		if a.left < 0 {
			break
		}
	}
	a.states[number].other, a.states[number].named = other, named
	return number
}

// next returns the number of the state that follows w after a segment.
func (a *automaton) next(w where, segment string, named bool) uint32 {
	a.at = append(a.at, segment)
	number := a.state(w.next(segment, named))
	a.at = a.at[:len(a.at)-1]
	return number
}
