package roles

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func patternGrants(patterns ...string) *row {
	r := Role{AppID: "r", Permissions: Grants{}}
	for _, p := range patterns {
		r.Permissions[p] = true
	}
	return newRow(r)
}

// used counts the entries of an index that are not free.
func used(x index) (n int) {
	for _, e := range x {
		if e.text != "" {
			n++
		}
	}
	return n
}

// One automaton serves roles as people write them, with few states.
func TestOrdinaryPatternsMakeOneSmallAutomaton(t *testing.T) {
	var patterns []string
	for i := range 300 {
		patterns = append(patterns, fmt.Sprintf("content/*/verb%d", i), fmt.Sprintf("content/model%d/*", i), fmt.Sprintf("assets/folder%d/**", i))
	}
	r, over, err := makeRules([]*row{patternGrants(patterns...)}, true, nil)
	if err != nil || over != nil || len(r.starts) != 0 || len(r.states) > 20 || used(r.index) > 2000 {
		t.Errorf("%d automata, %d states, %d entries", max(1, len(r.starts)), len(r.states), used(r.index))
	}
}

// Patterns made to be entangled take several automata, and memory in proportion to their text all the same.
func TestEntangledPatternsAreSplit(t *testing.T) {
	var patterns []string
	for i := range 8 {
		for j := range 20 {
			segments := slices.Repeat([]string{"*"}, 16)
			segments[i], segments[8+i] = fmt.Sprintf("s%d", j), fmt.Sprintf("t%d-%d", i, j)
			patterns = append(patterns, strings.Join(segments, "/"))
		}
	}
	r, over, err := makeRules([]*row{patternGrants(patterns...)}, false, nil)
	if err != nil || over == nil {
		t.Error(over, err)
	}
	t.Logf("%d patterns: %d automata, %d states, %d entries", len(patterns), len(r.starts), len(r.states), used(r.index))
	if len(r.starts) < 2 || len(r.states)+used(r.index) > 40*16*len(patterns) {
		t.Errorf("%d automata, %d states, %d entries", len(r.starts), len(r.states), used(r.index))
	}
}

// What a change does not touch is taken from the policy before.
func TestWithCompilesOnlyWhatChanges(t *testing.T) {
	p := MustCompile(Role{AppID: "base", Permissions: Grants{"a": true}}, Role{AppID: "heir", Inherits: []string{"base"}}, Role{AppID: "other"})
	q, err := p.With(Role{AppID: "base", Permissions: Grants{"b": true}})
	if err != nil {
		t.Fatal(err)
	}
	if p.members["other"] != q.members["other"] || p.members["heir"] == q.members["heir"] {
		t.Error("other must be the same, heir must not")
	}
	again, err := q.Recompile(q.Roles()...)
	if err != nil {
		t.Fatal(err)
	}
	for appid, m := range q.members {
		if again.members[appid] != m {
			t.Errorf("%s was compiled again though nothing changed", appid)
		}
	}
}
