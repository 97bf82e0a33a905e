package roles

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// This file bounds how far the patterns of a role may overlap. The bound keeps one automaton for each role, and so the
// cost of a decision.

// maxOverlap bounds the automaton of a role that is saved: the number of its states and transitions, each counted once
// for every place in the patterns that it stands for. Patterns that begin alike count together. Patterns that have "*"
// in different places count in every combination, so that a few dozen with many segments can pass the bound.
const maxOverlap = 1 << 15

// Overlaps are patterns that make too large an automaton.
type overlaps struct {
	patterns []rule
	places   int      // the size of the largest state
	path     []string // the segments that lead there; "" is one that no pattern mentions
}

// worst lists the patterns that overlap in the largest state.
func (o *overlaps) worst() []string {
	var worst []string
	for _, r := range o.patterns {
		matches := len(r.segments) >= len(o.path)
		for i := 0; matches && i < len(o.path); i++ {
			matches = r.segments[i] == "*" || r.segments[i] == o.path[i]
		}
		if matches {
			worst = append(worst, strings.Join(r.segments, "/"))
		}
	}
	return worst
}

// problem returns the Problem of m. It names a few of the patterns.
func (o *overlaps) problem(m *member) *Problem {
	const named = 5
	worst := o.worst()
	rest := len(worst) - named
	for i := range worst {
		worst[i] = quote(worst[i])
	}
	text := fmt.Sprintf("has patterns that overlap in more than %d ways: %s", maxOverlap, strings.Join(worst[:min(named, len(worst))], ", "))
	if rest > 0 {
		text += fmt.Sprintf(" and %d more", rest)
	}
	if len(m.line) > 1 {
		text += " (inherited ones count too)"
	}
	return &Problem{Role: m.appid, Field: "permissions", Text: text}
}

// makeRules compiles the members that are not from the older policy, the saved role first. It refuses the saved role, or
// an heir of it, over the bound.
func (u update) makeRules(members map[string]*member) error {
	appids := slices.Sorted(maps.Keys(members))
	if i := slices.Index(appids, u.saved); i > 0 {
		appids = slices.Insert(slices.Delete(appids, i, i+1), 0, u.saved)
	}
	for _, appid := range appids {
		m := members[appid]
		if m.index != nil {
			continue
		}
		strict := slices.ContainsFunc(m.line, func(r *row) bool { return r.appid == u.saved })
		made, over, err := makeRules(m.line, strict, u.budget)
		if err == nil && over != nil && strict {
			var before *member
			if u.old != nil {
				before = u.old.members[appid]
			}
			if before == nil || before.over == nil {
				return over.problem(m)
			}
			if !m.narrows(before) {
				p := over.problem(m)
				p.Text += "; it was stored before there was this bound, and can only be deleted or saved with fewer rights and no new patterns"
				return p
			}
			made, over, err = makeRules(m.line, false, u.budget)
		}
		if err != nil {
			return err
		}
		m.rules = made
		if over != nil {
			m.over = over.problem(m)
		}
	}
	return nil
}

// narrows reports whether m, by its grants as they are written, allows no more than before and has no new pattern.
func (m *member) narrows(before *member) bool {
	old, saved := before.verdicts(), m.verdicts()
	for text, v := range saved {
		was, known := old[text]
		if v == allow && was != allow || !known && !isLiteral(text) {
			return false
		}
	}
	for text, was := range old {
		if was == deny && saved[text] != deny {
			return false
		}
	}
	return true
}

// verdicts merges the grants of m's line.
func (m *member) verdicts() map[string]verdict {
	all := map[string]verdict{}
	for _, r := range m.line {
		for _, g := range r.grants {
			all[g.text] = (all[g.text] | verdictOf(g.allowed)).final()
		}
	}
	return all
}
