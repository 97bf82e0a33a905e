package roles

import (
	"slices"
	"strings"
)

// makeRules merges the grants of all rows of one line of inheritance. Nothing here depends on their order.
func makeRules(line []*row) rules {
	total := 0
	for _, each := range line {
		total += len(each.grants)
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
	if len(patterns) > 0 {
		d.addPatterns(patterns)
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

// A draft is what becomes of patterns on the way to rules.
type draft struct {
	states  []state
	entries []entry
	starts  []uint32 // the first state of each automaton
}

// addPatterns turns patterns into automata: one if that stays small, which it does unless someone set out to
// entangle them, else one for each half of the patterns. So the memory and time that this takes are linear in
// the text of the grants (times a logarithm), whatever they are.
func (d *draft) addPatterns(patterns []rule) {
	states, entries := len(d.states), len(d.entries)
	a := automaton{draft: d, known: map[string]uint32{}, budget: 256}
	for _, p := range patterns {
		a.budget += 32 * len(p.segments)
	}
	start := a.state(at(plant(patterns)))
	if a.budget >= 0 || len(patterns) == 1 {
		d.starts = append(d.starts, start)
		return
	}
	d.states, d.entries = d.states[:states], d.entries[:entries]
	half := len(patterns) / 2 // plant has sorted them, so that those which share a beginning stay together
	d.addPatterns(patterns[:half])
	d.addPatterns(patterns[half:])
}

// An automaton is one under construction inside a draft.
type automaton struct {
	*draft
	known  map[string]uint32
	budget int // of nodes to be looked at; below zero: given up
}

// state returns the number of the state for w, which it adds with all that follow if it is new.
func (a *automaton) state(w where) uint32 {
	switch {
	case w.held == deny:
		return allDenied
	case w.allowsAll():
		return allAllowed
	case len(w.nodes) == 0 || a.budget < 0:
		return whole
	}
	key := w.key()
	if number, ok := a.known[key]; ok {
		return number
	}
	number := uint32(len(a.states))
	a.known[key] = number
	a.states = append(a.states, state{end: w.verdict()})
	a.budget -= len(w.nodes)
	other := a.state(w.next("", false))
	named := false
	for _, name := range unique(w.names(nil)) {
		a.budget -= len(w.nodes)
		if to := a.state(w.next(name, true)); to != other {
			a.entries = append(a.entries, entry{name, number, to})
			named = true
		}
		if a.budget < 0 {
			break
		}
	}
	a.states[number].other, a.states[number].named = other, named
	return number
}
