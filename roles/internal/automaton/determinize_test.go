package automaton

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func allowing(patterns ...string) [][]Grant {
	var grants []Grant
	for _, p := range patterns {
		grants = append(grants, Grant{p, true})
	}
	return [][]Grant{grants}
}

// used counts the slots of a table that are not free.
func used(slots table) (n int) {
	for _, t := range slots {
		if t.text != "" {
			n++
		}
	}
	return n
}

// Ordinary roles make one automaton with few states.
func TestOrdinaryPatternsMakeOneSmallAutomaton(t *testing.T) {
	var patterns []string
	for i := range 300 {
		patterns = append(patterns, fmt.Sprintf("content/*/verb%d", i), fmt.Sprintf("content/model%d/*", i), fmt.Sprintf("assets/folder%d/**", i))
	}
	d, over, err := Compile(allowing(patterns...), true, nil)
	if err != nil || over != nil || len(d.starts) != 0 || len(d.states) > 20 || used(d.table) > 2000 {
		t.Errorf("%d automata, %d states, %d transitions", max(1, len(d.starts)), len(d.states), used(d.table))
	}
}

// Patterns that overlap on purpose make several automata, and memory stays in proportion to their text.
func TestEntangledPatternsAreSplit(t *testing.T) {
	var patterns []string
	for i := range 8 {
		for j := range 20 {
			segments := slices.Repeat([]string{"*"}, 16)
			segments[i], segments[8+i] = fmt.Sprintf("s%d", j), fmt.Sprintf("t%d-%d", i, j)
			patterns = append(patterns, strings.Join(segments, "/"))
		}
	}
	d, over, err := Compile(allowing(patterns...), false, nil)
	if err != nil || over == nil {
		t.Error(over, err)
	}
	t.Logf("%d patterns: %d automata, %d states, %d transitions", len(patterns), len(d.starts), len(d.states), used(d.table))
	if len(d.starts) < 2 || len(d.states)+used(d.table) > 40*16*len(patterns) {
		t.Errorf("%d automata, %d states, %d transitions", len(d.starts), len(d.states), used(d.table))
	}
}
