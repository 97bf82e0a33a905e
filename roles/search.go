package roles

import (
	"slices"
	"strings"
	"sync"
)

// A root is the tree of all grants of a role. It is made when it is first needed: decisions do not use it.
type root struct {
	once sync.Once
	node *node
}

// root returns the tree of the member's line. The first question pays for it.
func (m *member) root(b *Budget) *node {
	m.search.once.Do(func() {
		var all []rule
		segments := 0
		for _, each := range m.line {
			for _, g := range each.grants {
				r := newRule(g.text, verdictOf(g.allowed))
				all = append(all, r)
				segments += len(r.segments)
			}
		}
		m.search.node = plant(all)
		_ = b.spend(segments) // the search that follows meets the error
	})
	return m.search.node
}

// rootOf is the tree of patterns that allow.
func rootOf(patterns ...string) *node {
	rules := make([]rule, len(patterns))
	for i, p := range patterns {
		rules[i] = newRule(p, allow)
	}
	return plant(rules)
}

// literal is the verdict on one well-formed permission.
func (n *node) literal(permission string) verdict {
	w := at(n)
	for segment := range strings.SplitSeq(permission, "/") {
		w = w.next(segment, true)
	}
	return w.verdict()
}

var (
	everything = rootOf("**")
	nothing    = rootOf()
)

// A query asks for a permission that all trees in allows allow and that, if there is any tree in unless, not all of
// those allow. A tree is left out by being nil.
type query struct {
	allows [mustAllow]*node
	unless [2]*node
}

const (
	mustAllow = 3
	trees     = mustAllow + 2
)

// possible reports whether there is such a permission, with yes for a search that was given up.
func (q query) possible(b *Budget) bool {
	_, found, err := q.find(b)
	return found || err != nil
}

// find looks for such a permission, breadth first through the product of the trees. It is exact: a segment that no
// tree mentions is as good as any other such, and stands in the witness as an empty one. There always is one, as
// there are more segments than could be mentioned. An error is the budget's, and then nothing is known.
func (q query) find(b *Budget) (witness string, found bool, err error) {
	if err := b.spend(0); err != nil {
		return "", false, err
	}
	s := search{budget: b, seen: map[productState]bool{}}
	var start productState
	for i, tree := range slices.Concat(q.allows[:], q.unless[:]) {
		if tree != nil {
			s.walks[i] = &walk{numbers: map[string]uint32{}}
			start[i] = s.walks[i].number(at(tree))
		}
	}
	if s.hopeless(start) {
		return "", false, nil
	}
	level := []*visit{{at: start}}
	for depth := 1; depth <= maxSegments && len(level) > 0; depth++ {
		var next []*visit
		for _, from := range level {
			names := append([]string{""}, s.names(from.at)...)
			for i, name := range names {
				to, err := s.step(from.at, name, i > 0)
				if err != nil {
					return "", false, err
				}
				if s.seen[to] || s.hopeless(to) { // seen on as many segments, or fewer
					continue
				}
				s.seen[to] = true
				v := &visit{at: to, from: from, segment: name}
				if s.found(to) {
					return v.path(), true, nil
				}
				next = append(next, v)
			}
		}
		level = next
	}
	return "", false, nil
}

// A productState holds the state of a search in each tree, as its number in the tree's walk.
type productState [trees]uint32

// A visit is a product state with the way to it.
type visit struct {
	at      productState
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

// A search follows several trees at once: those that must allow, then those that must not both allow.
type search struct {
	walks  [trees]*walk // nil where there is no tree
	seen   map[productState]bool
	budget *Budget
}

// A walk numbers the state sets met in one tree.
type walk struct {
	places  []where
	numbers map[string]uint32
}

func (w *walk) number(place where) uint32 {
	key := place.key()
	n, ok := w.numbers[key]
	if !ok {
		n = uint32(len(w.places))
		w.numbers[key] = n
		w.places = append(w.places, place)
	}
	return n
}

func (s *search) place(at productState, i int) where { return s.walks[i].places[at[i]] }

// step reads one segment in all trees. It costs a step for each tree and for each node looked at.
func (s *search) step(from productState, segment string, named bool) (to productState, err error) {
	steps := 0
	for i, w := range s.walks {
		if w == nil {
			continue
		}
		place := s.place(from, i)
		steps += 1 + len(place.nodes)
		to[i] = w.number(place.next(segment, named))
	}
	return to, s.budget.spend(steps)
}

// found reports whether a permission that ends here answers the query.
func (s *search) found(at productState) bool {
	unless, both := false, true
	for i, w := range s.walks {
		switch {
		case w == nil:
		case i < mustAllow:
			if s.place(at, i).verdict() != allow {
				return false
			}
		default:
			unless = true
			both = both && s.place(at, i).verdict() == allow
		}
	}
	return !unless || !both
}

// hopeless reports whether nothing can be found here or further on.
func (s *search) hopeless(at productState) bool {
	unless, all := false, true
	for i, w := range s.walks {
		switch {
		case w == nil:
		case i < mustAllow:
			if !s.place(at, i).mayAllow() {
				return true
			}
		default:
			unless = true
			all = all && s.place(at, i).allowsAll()
		}
	}
	return unless && all
}

// names lists the segments that make a difference here. If one of the trees that must allow takes none but the
// segments it mentions, these are all that matter.
func (s *search) names(at productState) []string {
	var names []string
	for i, w := range s.walks {
		if w == nil {
			continue
		}
		place := s.place(at, i)
		if i < mustAllow && place.onlyNamed() {
			return unique(place.names(nil))
		}
		names = place.names(names)
	}
	return unique(names)
}
