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
	// maxWeight bounds the memory of a policy. Each grant counts once for each role that has or inherits it. Without the
	// bound a few stored roles could take all memory.
	maxWeight = 1 << 24
)

// A resolvedRole is a role with all that it inherits. It does not change after it is compiled.
type resolvedRole struct {
	dfa automaton.DFA // first, because each decision reads it
	*roleEntry
	parents []*resolvedRole
	lineage []*roleEntry // itself, then the roles that it inherits from, nearest first, each once
	weight  int          // its part of the policy's weight
	depth   int          // the longest chain of ancestors
	over    *Problem     // nil unless its patterns pass automaton.MaxOverlap

	trieOnce sync.Once // see trie
	trieRoot *automaton.Node
}

// A resolver resolves inheritance, depth first.
type resolver struct {
	entries  map[string]*roleEntry
	resolved map[string]*resolvedRole // nil for a role with a problem, and for one whose parents are being resolved
	path     []string                 // the roles that are being resolved, each a parent of the one before
	onPath   map[string]int           // the index of each role in path
	weight   int
	old      *Policy // unchanged roles are taken from it
	problems []*Problem
}

// resolve returns the role with all that it inherits, or nil if it or an ancestor has a problem.
func (r *resolver) resolve(appid string) *resolvedRole {
	if role, seen := r.resolved[appid]; seen {
		if start, open := r.onPath[appid]; open {
			r.problem(appid, "inherits", "inherits from itself: "+cycle(r.path[start:]))
		}
		return role
	}
	role := &resolvedRole{roleEntry: r.entries[appid]}
	r.resolved[appid] = nil
	r.onPath[appid] = len(r.path)
	r.path = append(r.path, appid)
	for _, name := range role.inherits {
		switch {
		case strings.EqualFold(name, Admin):
			r.problem(appid, "inherits", "inherits from "+quote(name)+", which is reserved")
		case r.entries[name] == nil:
			r.problem(appid, "inherits", "inherits from "+quote(name)+", which is no role")
		default:
			if parent := r.resolve(name); parent != nil { // else its problem is reported already
				role.parents = append(role.parents, parent)
				role.depth = max(role.depth, parent.depth+1)
			}
		}
	}
	valid := len(role.parents) == len(role.inherits)
	r.path = r.path[:len(r.path)-1]
	delete(r.onPath, appid)
	if valid && role.depth > maxDepth {
		r.problem(appid, "inherits", fmt.Sprintf("inherits through %d roles in a row; at most %d are allowed", role.depth, maxDepth))
		valid = false
	}
	if !valid {
		return nil
	}
	role = r.complete(role)
	r.resolved[appid] = role
	return role
}

// complete sets lineage and weight. If nothing has changed since the older policy, it returns the role from there.
func (r *resolver) complete(role *resolvedRole) *resolvedRole {
	same := r.old.resolved(role.appid)
	if same != nil && same.roleEntry == role.roleEntry && slices.Equal(same.parents, role.parents) {
		r.weight += same.weight
		return same
	}
	seen := map[*resolvedRole]bool{role: true}
	queue := []*resolvedRole{role}
	for len(queue) > 0 && r.weight+role.weight <= maxWeight {
		next := queue[0]
		queue = queue[1:]
		role.lineage = append(role.lineage, next.roleEntry)
		role.weight += 1 + len(next.grants) + len(next.parents)
		for _, parent := range next.parents {
			if !seen[parent] {
				seen[parent] = true
				queue = append(queue, parent)
			}
		}
	}
	r.weight += role.weight
	return role
}

// grantLists returns the role's own grants and those of each ancestor.
func (r *resolvedRole) grantLists() [][]automaton.Grant {
	lists := make([][]automaton.Grant, len(r.lineage))
	for i, entry := range r.lineage {
		lists[i] = entry.grants
	}
	return lists
}

// effective merges the role's own and inherited grants. Deny wins.
func (r *resolvedRole) effective() Grants {
	all := Grants{}
	for _, list := range r.grantLists() {
		for _, g := range list {
			before, known := all[g.Pattern]
			all[g.Pattern] = g.Allowed && (before || !known)
		}
	}
	return all
}

func (r *resolver) problem(appid, field, text string) {
	r.problems = append(r.problems, &Problem{Role: appid, Field: field, Text: text})
}

// cycle describes a cycle of inheritance. It leaves out the middle of a long one.
func cycle(names []string) string {
	const end = 10 // names at each end
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
