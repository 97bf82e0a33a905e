package roles

import (
	"slices"
	"strings"
)

// makeRules merges the grants of all rows of one line of inheritance. Nothing here depends on their order.
func makeRules(line []*row) rules {
	r := rules{states: slices.Clone(firstStates[:])}
	total := 0
	for _, each := range line {
		total += len(each.grants)
	}
	r.entries = make([]entry, 0, total)
	var patterns []rule
	for _, each := range line {
		for _, g := range each.grants {
			if isLiteral(g.text) {
				r.entries = append(r.entries, entry{g.text, whole, uint32(verdictOf(g.allowed))})
			} else {
				patterns = append(patterns, newRule(g.text, verdictOf(g.allowed)))
			}
		}
	}
	if len(line) > 1 {
		r.entries = mergeEqual(r.entries)
	}
	r.literals = len(r.entries) > 0
	literals := len(r.entries)
	if len(patterns) > 0 {
		r.addPatterns(patterns)
		if len(r.starts) == 1 {
			r.starts = nil
		}
	}
	r.build()
	for i := range r.entries[:literals] {
		e := &r.entries[i]
		e.to = uint32((verdict(e.to) | r.patterns(e.text)).final())
	}
	return r
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

// addPatterns turns patterns into automata: one if that stays small, which it does unless someone set out to
// entangle them, else one for each half of the patterns. So the memory and time that this takes are linear in
// the text of the grants (times a logarithm), whatever they are.
func (r *rules) addPatterns(patterns []rule) {
	states, entries := len(r.states), len(r.entries)
	b := automaton{rules: r, known: map[string]uint32{}, budget: 256}
	for _, p := range patterns {
		b.budget += 32 * len(p.segments)
	}
	start := b.state(at(plant(patterns)))
	if b.budget >= 0 || len(patterns) == 1 {
		r.starts = append(r.starts, start)
		r.start = r.starts[0]
		return
	}
	r.states, r.entries = r.states[:states], r.entries[:entries]
	half := len(patterns) / 2 // plant has sorted them, so that those which share a beginning stay together
	r.addPatterns(patterns[:half])
	r.addPatterns(patterns[half:])
}

// An automaton is one under construction inside its rules.
type automaton struct {
	*rules
	known  map[string]uint32
	budget int // below zero: given up
}

// state returns the number of the state for w, which it adds with all that follow if it is new.
func (b *automaton) state(w where) uint32 {
	switch {
	case w.held == deny:
		return allDenied
	case w.allowsAll():
		return allAllowed
	case len(w.nodes) == 0 || b.budget < 0:
		return whole
	}
	key := w.key()
	if number, ok := b.known[key]; ok {
		return number
	}
	number := uint32(len(b.states))
	b.known[key] = number
	b.states = append(b.states, state{end: w.verdict()})
	b.budget -= len(w.nodes)
	other := b.state(w.next("", false))
	named := false
	for _, name := range unique(w.names(nil)) {
		b.budget -= len(w.nodes)
		if to := b.state(w.next(name, true)); to != other {
			b.entries = append(b.entries, entry{name, number, to})
			named = true
		}
		if b.budget < 0 {
			break
		}
	}
	b.states[number].other, b.states[number].named = other, named
	return number
}
