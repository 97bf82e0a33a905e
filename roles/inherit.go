package roles

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/latchkey-go/latchkey/roles/internal/automaton"
)

const (
	maxDepth = 16
	// maxWeight bounds what a whole policy may come to: every grant counts once for each role that has it,
	// itself or by inheritance. Beyond that, a few stored roles could take all memory.
	maxWeight = 1 << 24
)

// A member is a role in its place in a policy.
type member struct {
	dfa automaton.DFA // first, because each decision reads it
	*row
	parents []*member
	line    []*row   // itself first, then all it inherits from, nearest first, each once
	weight  int      // what it adds to the policy's weight
	depth   int      // generations above it
	over    *Problem // nil unless its patterns pass the bound of With

	trieOnce sync.Once // see trie
	trieRoot *automaton.Node
}

// A family sorts out who inherits from whom.
type family struct {
	rows     map[string]*row
	members  map[string]*member // nil if there can be none, and while their parents are being looked at
	path     []string           // from the role asked about to the one being looked at
	places   map[string]int     // of each role on the path
	weight   int
	old      *Policy // its members serve again where nothing has changed for them
	problems []*Problem
}

// member returns the member for appid with all it inherits from, or nil if there is none that can be.
func (f *family) member(appid string) *member {
	if m, seen := f.members[appid]; seen {
		if place, open := f.places[appid]; open {
			f.problem(appid, "inherits", "inherits from itself: "+circle(f.path[place:]))
		}
		return m
	}
	m := &member{row: f.rows[appid]}
	f.members[appid] = nil
	f.places[appid] = len(f.path)
	f.path = append(f.path, appid)
	whole := true
	for _, name := range m.inherits {
		switch {
		case strings.EqualFold(name, Admin):
			f.problem(appid, "inherits", "inherits from "+quote(name)+", which is reserved")
			whole = false
			continue
		case f.rows[name] == nil:
			f.problem(appid, "inherits", "inherits from "+quote(name)+", which is no role")
			whole = false
			continue
		}
		parent := f.member(name)
		if parent == nil {
			whole = false // the problem is told already
			continue
		}
		m.parents = append(m.parents, parent)
		m.depth = max(m.depth, parent.depth+1)
	}
	f.path = f.path[:len(f.path)-1]
	delete(f.places, appid)
	if whole && m.depth > maxDepth {
		f.problem(appid, "inherits", fmt.Sprintf("inherits through %d roles in a row; at most %d are allowed", m.depth, maxDepth))
		whole = false
	}
	if !whole {
		return nil
	}
	m = f.settle(m)
	f.members[appid] = m
	return m
}

// settle works out the member's line and weight, or finds the same member in the policy before.
func (f *family) settle(m *member) *member {
	if f.old != nil {
		if same := f.old.members[m.appid]; same != nil && same.row == m.row && slices.Equal(same.parents, m.parents) {
			f.weight += same.weight
			return same
		}
	}
	seen := map[*member]bool{m: true}
	queue := []*member{m}
	for len(queue) > 0 && f.weight+m.weight <= maxWeight {
		next := queue[0]
		queue = queue[1:]
		m.line = append(m.line, next.row)
		m.weight += 1 + len(next.grants) + len(next.parents)
		for _, parent := range next.parents {
			if !seen[parent] {
				seen[parent] = true
				queue = append(queue, parent)
			}
		}
	}
	f.weight += m.weight
	return m
}

// grantLists returns the grants of the member's line.
func (m *member) grantLists() [][]automaton.Grant {
	lists := make([][]automaton.Grant, len(m.line))
	for i, r := range m.line {
		lists[i] = r.grants
	}
	return lists
}

// effective merges the grants of the member's line; deny wins.
func (m *member) effective() Grants {
	all := Grants{}
	for _, list := range m.grantLists() {
		for _, g := range list {
			before, known := all[g.Pattern]
			all[g.Pattern] = g.Allowed && (before || !known)
		}
	}
	return all
}

func (f *family) problem(appid, field, text string) {
	f.problems = append(f.problems, &Problem{Role: appid, Field: field, Text: text})
}

// circle tells who inherits from whom, from the first name round to itself, without the middle of a long circle.
func circle(names []string) string {
	const end = 10 // names shown of each end
	var quoted []string
	for i, name := range names {
		if i == end && len(names) >= 2*end {
			quoted = append(quoted, "…")
		}
		if i < end || len(names)-i < end {
			quoted = append(quoted, quote(name))
		}
	}
	return strings.Join(append(quoted, quote(names[0])), " from ")
}
