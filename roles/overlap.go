package roles

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/latchkey-go/latchkey/roles/internal/automaton"
)

// This file bounds how far the patterns of a role may overlap. The bound keeps one automaton for each role, and so the
// cost of a decision.

// problem returns the Problem of m. It names a few of the patterns.
func (m *member) problem(o *automaton.Overlap) *Problem {
	const named = 5
	worst := o.Patterns()
	rest := len(worst) - named
	for i := range worst {
		worst[i] = quote(worst[i])
	}
	text := fmt.Sprintf("has patterns that overlap in more than %d ways: %s", automaton.MaxOverlap, strings.Join(worst[:min(named, len(worst))], ", "))
	if rest > 0 {
		text += fmt.Sprintf(" and %d more", rest)
	}
	if len(m.line) > 1 {
		text += " (inherited ones count too)"
	}
	return &Problem{Role: m.appid, Field: "permissions", Text: text}
}

// makeDFAs compiles the members that are not from the older policy, the saved role first. It refuses the saved role, or
// an heir of it, over the bound.
func (u update) makeDFAs(members map[string]*member) error {
	appids := slices.Sorted(maps.Keys(members))
	if i := slices.Index(appids, u.saved); i > 0 {
		appids = slices.Insert(slices.Delete(appids, i, i+1), 0, u.saved)
	}
	for _, appid := range appids {
		m := members[appid]
		var before *member
		if u.old != nil {
			before = u.old.members[appid]
		}
		if m == before {
			continue
		}
		strict := slices.ContainsFunc(m.line, func(r *row) bool { return r.appid == u.saved })
		dfa, over, err := automaton.Compile(m.grantLists(), strict, u.budget.spend)
		if err == nil && over != nil && strict {
			if before == nil || before.over == nil {
				return m.problem(over)
			}
			if !m.narrows(before) {
				p := m.problem(over)
				p.Text += "; it was stored before there was this bound, and can only be deleted or saved with fewer rights and no new patterns"
				return p
			}
			dfa, over, err = automaton.Compile(m.grantLists(), false, u.budget.spend)
		}
		if err != nil {
			return err
		}
		m.dfa = dfa
		if over != nil {
			m.over = m.problem(over)
		}
	}
	return nil
}

// narrows reports whether m, by its grants as they are written, allows no more than before and has no new pattern.
func (m *member) narrows(before *member) bool {
	old, saved := before.effective(), m.effective()
	for text, allowed := range saved {
		was, known := old[text]
		if allowed && !was || !known && !automaton.IsLiteral(text) {
			return false
		}
	}
	for text, was := range old {
		if allowed, kept := saved[text]; !was && (allowed || !kept) {
			return false
		}
	}
	return true
}
