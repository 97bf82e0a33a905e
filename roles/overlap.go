package roles

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/latchkey-go/latchkey/roles/internal/automaton"
)

// This file compiles roles, and refuses to save a role whose patterns overlap too much. The bound keeps the cost of a
// decision.

// overlapProblem returns the Problem of r. It names a few of the patterns.
func (r *resolvedRole) overlapProblem(o *automaton.Overlap) *Problem {
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
	if len(r.lineage) > 1 {
		text += " (inherited ones count too)"
	}
	return &Problem{Role: r.appid, Field: "permissions", Text: text}
}

// compileDFAs compiles the roles that are not from the older policy, the saved role first. It refuses the saved role, and a
// role that inherits from it, over the bound.
func (u update) compileDFAs(roles map[string]*resolvedRole) error {
	appids := slices.Sorted(maps.Keys(roles))
	if i := slices.Index(appids, u.saved); i > 0 {
		appids = slices.Insert(slices.Delete(appids, i, i+1), 0, u.saved)
	}
	for _, appid := range appids {
		r := roles[appid]
		before := u.old.resolved(appid)
		if r == before {
			continue
		}
		strict := slices.ContainsFunc(r.lineage, func(e *roleEntry) bool { return e.appid == u.saved })
		dfa, overlap, err := automaton.Compile(r.grantLists(), strict, u.budget.spend)
		if err == nil && overlap != nil && strict {
			if before == nil || before.over == nil {
				return r.overlapProblem(overlap)
			}
			if !r.narrows(before) {
				p := r.overlapProblem(overlap)
				p.Text += "; it was stored before there was this bound, and can only be deleted or saved with fewer rights and no new patterns"
				return p
			}
			dfa, overlap, err = automaton.Compile(r.grantLists(), false, u.budget.spend)
		}
		if err != nil {
			return err
		}
		r.dfa = dfa
		if overlap != nil {
			r.over = r.overlapProblem(overlap)
		}
	}
	return nil
}

// narrows reports whether r, compared grant by grant, allows no more than before and has no new pattern.
func (r *resolvedRole) narrows(before *resolvedRole) bool {
	old, saved := before.effective(), r.effective()
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
