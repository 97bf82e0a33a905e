package automaton

import (
	"slices"
	"strings"
)

// A Query asks for a permission that every trie of Allow allows and, if Except has any trie, that not all tries of Except
// allow. A nil trie is left out.
type Query struct {
	Allow  [3]*Node
	Except [2]*Node
}

// Find searches for such a permission, breadth first through the product of the tries. It is exact. In the witness an
// empty segment stands for any segment that no trie names; there always is one, because segments outnumber the names. After
// an error, which is the budget's, nothing is known.
func (q Query) Find(budget Budget) (witness string, found bool, err error) {
	if err := budget.spend(0); err != nil {
		return "", false, err
	}
	s := search{budget: budget}
	var start productState
	for i, root := range slices.Concat(q.Allow[:], q.Except[:]) {
		if root == nil {
			continue
		}
		d := &lazyDFA{numbers: map[string]uint32{}}
		start[len(s.dfas)] = d.number(initial(root))
		s.dfas = append(s.dfas, d)
		if i < len(q.Allow) {
			s.allow = len(s.dfas)
		}
	}
	if s.hopeless(start) {
		return "", false, nil
	}
	seen := map[productState]bool{}
	level := []*visit{{state: start}}
	for depth := 1; depth <= MaxSegments && len(level) > 0; depth++ {
		var next []*visit
		for _, v := range level {
			for _, segment := range s.segments(v.state) {
				to, err := s.step(v.state, segment)
				if err != nil {
					return "", false, err
				}
				if seen[to] || s.hopeless(to) { // seen after as many segments, or fewer
					continue
				}
				seen[to] = true
				reached := &visit{state: to, from: v, segment: segment}
				if s.accepts(to) {
					return reached.path(), true, nil
				}
				next = append(next, reached)
			}
		}
		level = next
	}
	return "", false, nil
}

// A productState holds the number of one state for each trie.
type productState [len(Query{}.Allow) + len(Query{}.Except)]uint32

// A visit is a product state with the path to it.
type visit struct {
	state   productState
	from    *visit
	segment string
}

func (v *visit) path() string {
	var segments []string
	for ; v.from != nil; v = v.from {
		segments = append(segments, v.segment)
	}
	slices.Reverse(segments)
	return strings.Join(segments, "/")
}

// A search runs the DFAs of several tries in parallel.
type search struct {
	dfas   []*lazyDFA // first those of Allow, then those of Except
	allow  int        // the number of those of Allow
	budget Budget
}

// A lazyDFA numbers the state sets of one trie when they are first reached.
type lazyDFA struct {
	sets    []stateSet
	numbers map[string]uint32
}

func (d *lazyDFA) number(set stateSet) uint32 {
	key := set.key()
	n, ok := d.numbers[key]
	if !ok {
		n = uint32(len(d.sets))
		d.numbers[key] = n
		d.sets = append(d.sets, set)
	}
	return n
}

// step reads one segment in all tries. It takes one step for each trie and for each node of the state sets.
func (s *search) step(from productState, segment string) (to productState, err error) {
	steps := 0
	for i, d := range s.dfas {
		set := d.sets[from[i]]
		steps += 1 + len(set.nodes)
		to[i] = d.number(set.next(segment))
	}
	return to, s.budget.spend(steps)
}

// possible reports whether allowed holds for each trie of Allow and, if Except has any trie, excepted not for all of those.
func (s *search) possible(state productState, allowed, excepted func(stateSet) bool) bool {
	all := len(s.dfas) > s.allow
	for i, d := range s.dfas {
		set := d.sets[state[i]]
		if i < s.allow && !allowed(set) {
			return false
		}
		all = all && (i < s.allow || excepted(set))
	}
	return !all
}

// accepts reports whether a permission that ends here answers the query.
func (s *search) accepts(state productState) bool {
	return s.possible(state, stateSet.allows, stateSet.allows)
}

// hopeless reports whether no permission that starts like this answers the query.
func (s *search) hopeless(state productState) bool {
	return !s.possible(state, stateSet.mayAllow, stateSet.allowsAll)
}

// segments returns other and the segments that make a difference here. If a trie of Allow denies other, only the segments
// that it names can lead to an answer.
func (s *search) segments(state productState) []string {
	all := []string{other}
	for i, d := range s.dfas {
		set := d.sets[state[i]]
		if i < s.allow && set.deniesOther() {
			return unique(set.appendSegments(nil))
		}
		all = set.appendSegments(all)
	}
	return unique(all)
}
