package roles

import (
	"slices"
	"sync"
)

// A root is the tree of all grants of a role. It is planted when it is first needed: decisions do not use it.
type root struct {
	once sync.Once
	node *node
}

func (m *member) root() *node {
	m.search.once.Do(func() {
		var all []rule
		for _, each := range m.line {
			for _, g := range each.grants {
				all = append(all, newRule(g.text, verdictOf(g.allowed)))
			}
		}
		m.search.node = plant(all)
	})
	return m.search.node
}

// rootOf is the tree of one pattern that allows.
func rootOf(patterns ...string) *node {
	rules := make([]rule, len(patterns))
	for i, p := range patterns {
		rules[i] = newRule(p, allow)
	}
	return plant(rules)
}

var (
	everything = rootOf("**")
	nothing    = rootOf()
)

// A question is whether there is a permission that all trees in allows allow and that, if there is any tree
// in unless, not all of those allow. A tree is left out by being nil.
type question struct {
	allows [mustAllow]*node
	unless [2]*node
}

const (
	mustAllow = 3
	trees     = mustAllow + 2
)

// A stand says where a search stands in each tree, by numbers of places.
type stand [trees]uint32

// maxSearch bounds the steps of one search: a step is one node looked at for one segment. Real roles take
// some thousands; it takes patterns that were entangled on purpose, over many segments, to need more.
const maxSearch = 1 << 20

// answer looks for such a permission, exactly: it goes through all that the trees can still do after each
// segment, and a segment that no tree mentions is as good as any other such. There always is one, as there are
// more segments than could be mentioned. It is sure unless the search was too long; then found is false.
func (q question) answer() (found, sure bool) {
	s := search{seen: map[stand]bool{}}
	var start stand
	for i, tree := range slices.Concat(q.allows[:], q.unless[:]) {
		if tree != nil {
			s.walks[i] = &walk{numbers: map[string]uint32{}}
			start[i] = s.walks[i].number(at(tree))
		}
	}
	if s.hopeless(start) {
		return false, true
	}
	level := []stand{start}
	for depth := 1; depth <= maxSegments && len(level) > 0; depth++ {
		var next []stand
		for _, from := range level {
			other := s.step(from, "", false)
			next, found = s.visit(next, other)
			for i, names := 0, s.names(from); !found && s.steps <= maxSearch && i < len(names); i++ {
				next, found = s.visit(next, s.step(from, names[i], true))
			}
			if found {
				return true, true
			}
			if s.steps > maxSearch {
				return false, false
			}
		}
		level = next
	}
	return false, true
}

// A search follows several trees at once: those that must allow, then those that must not both allow.
type search struct {
	walks [trees]*walk // nil where there is no tree
	seen  map[stand]bool
	steps int
}

// A walk numbers the places met in one tree.
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

func (s *search) place(at stand, i int) where { return s.walks[i].places[at[i]] }

func (s *search) step(from stand, segment string, named bool) (to stand) {
	for i, w := range s.walks {
		if w == nil {
			continue
		}
		place := s.place(from, i)
		s.steps += 1 + len(place.nodes)
		to[i] = w.number(place.next(segment, named))
	}
	return to
}

// visit adds a place to the level unless it was met before (then on fewer segments, or as many) or nothing can
// be found from there. It reports whether a permission that ends there is what is looked for.
func (s *search) visit(level []stand, at stand) ([]stand, bool) {
	if s.seen[at] || s.hopeless(at) {
		return level, false
	}
	s.seen[at] = true
	return append(level, at), s.found(at)
}

func (s *search) found(at stand) bool {
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
func (s *search) hopeless(at stand) bool {
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
func (s *search) names(at stand) []string {
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
