package roles

import (
	"encoding/binary"
	"slices"
	"strings"
)

// A verdict is what grants say about one permission. Both bits may be set on the way; deny wins in the end.
type verdict uint8

const (
	none  verdict = 0
	allow verdict = 1
	deny  verdict = 2
)

func verdictOf(allowed bool) verdict {
	if allowed {
		return allow
	}
	return deny
}

// final lets deny win.
func (v verdict) final() verdict {
	if v&deny != 0 {
		return deny
	}
	return v
}

// A node is a place in the tree of a set of patterns: it holds what is left to match of those that got here.
// Nodes of one forest with the same future are the same node.
type node struct {
	id    uint32
	end   verdict // of patterns that end here
	tail  verdict // of patterns that go on with "**"
	below verdict // of all patterns here and further down
	star  *node   // where "*" leads; may be nil
	named []arc   // where literal segments lead, in order of their names
}

type arc struct {
	name string
	to   *node
}

func (a arc) compare(name string) int { return strings.Compare(a.name, name) }

func (n *node) child(name string) *node {
	i, ok := slices.BinarySearchFunc(n.named, name, arc.compare)
	if !ok {
		return nil
	}
	return n.named[i].to
}

// A rule is a well-formed pattern, split, with its verdict.
type rule struct {
	segments []string
	verdict  verdict
}

func newRule(pattern string, v verdict) rule {
	return rule{strings.Split(pattern, "/"), v}
}

// plant makes the tree of these rules and returns its root. It sorts them.
func plant(rules []rule) *node {
	slices.SortFunc(rules, func(a, b rule) int { return slices.Compare(a.segments, b.segments) })
	f := forest{}
	return f.grow(rules, 0)
}

// A forest knows each of its nodes by all that can follow from it.
type forest map[string]*node

func (f forest) grow(rules []rule, depth int) *node {
	var n node
	for len(rules) > 0 && len(rules[0].segments) == depth { // sorted: they come first
		n.end |= rules[0].verdict
		rules = rules[1:]
	}
	for len(rules) > 0 {
		name := rules[0].segments[depth]
		same := 1
		for same < len(rules) && rules[same].segments[depth] == name {
			same++
		}
		group := rules[:same]
		rules = rules[same:]
		switch name {
		case "**":
			for _, r := range group {
				n.tail |= r.verdict
			}
		case "*":
			n.star = f.grow(group, depth+1)
		default:
			n.named = append(n.named, arc{name, f.grow(group, depth+1)})
		}
	}
	return f.unique(n)
}

func (f forest) unique(n node) *node {
	n.below = n.end | n.tail
	key := []byte{byte(n.end), byte(n.tail)}
	if n.star != nil {
		n.below |= n.star.below
		key = binary.LittleEndian.AppendUint32(key, n.star.id+1)
	} else {
		key = binary.LittleEndian.AppendUint32(key, 0)
	}
	for _, a := range n.named {
		n.below |= a.to.below
		key = binary.LittleEndian.AppendUint32(key, a.to.id)
		key = append(append(key, a.name...), '/')
	}
	if known := f[string(key)]; known != nil {
		return known
	}
	n.id = uint32(len(f))
	f[string(key)] = &n
	return &n
}

// A where is all places at which one permission, read so far, can be in a tree. It is what is left of the
// patterns after some segments.
type where struct {
	held  verdict // what a "**" already read has settled for all that follows
	nodes []*node // in order of their ids
}

func at(root *node) where { return settle(none, []*node{root}) }

// next reads one more segment. With named false, it is a segment that no pattern mentions.
func (w where) next(segment string, named bool) where {
	held := w.held
	nodes := make([]*node, 0, 2*len(w.nodes))
	for _, n := range w.nodes {
		held |= n.tail
		if n.star != nil {
			nodes = append(nodes, n.star)
		}
		if !named {
			continue
		}
		if c := n.child(segment); c != nil {
			nodes = append(nodes, c)
		}
	}
	return settle(held, nodes)
}

// settle drops what cannot change any verdict to come, so that equal futures look equal.
func settle(held verdict, nodes []*node) where {
	if held&deny != 0 {
		return where{held: deny}
	}
	nodes = slices.DeleteFunc(nodes, func(n *node) bool { return n.below&^held == 0 })
	slices.SortFunc(nodes, func(a, b *node) int { return int(a.id) - int(b.id) })
	return where{held, slices.Compact(nodes)}
}

// verdict is what the patterns say of a permission that ends here.
func (w where) verdict() verdict {
	v := w.held
	for _, n := range w.nodes {
		v |= n.end
	}
	return v.final()
}

// mayAllow is false only if nothing that follows can be allowed.
func (w where) mayAllow() bool {
	for _, n := range w.nodes {
		if n.below&allow != 0 {
			return true
		}
	}
	return w.held == allow
}

// allowsAll reports whether everything that follows is allowed.
func (w where) allowsAll() bool { return w.held == allow && len(w.nodes) == 0 }

// onlyNamed reports whether nothing can be allowed after a segment that no pattern mentions.
func (w where) onlyNamed() bool {
	for _, n := range w.nodes {
		if n.star != nil || n.tail != none {
			return false
		}
	}
	return w.held == none
}

// names lists the segments that make a difference here, each once.
func (w where) names(into []string) []string {
	for _, n := range w.nodes {
		for _, a := range n.named {
			into = append(into, a.name)
		}
	}
	return into
}

func unique(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

func (w where) key() string {
	key := make([]byte, 1, 1+4*len(w.nodes))
	key[0] = byte(w.held)
	for _, n := range w.nodes {
		key = binary.LittleEndian.AppendUint32(key, n.id)
	}
	return string(key)
}
