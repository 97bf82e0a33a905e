package automaton

import (
	"encoding/binary"
	"slices"
)

// A stateSet is the set of trie nodes reached after reading a prefix of a permission: a state set of the NFA. Two prefixes
// with equal sets have the same verdict with every continuation.
type stateSet struct {
	passed verdict // of each "**" that matches the prefix; it holds for every continuation
	nodes  []*Node // in order of their ids
}

func initial(root *Node) stateSet { return newStateSet(none, []*Node{root}) }

// newStateSet drops the nodes that cannot change the verdict, so that equivalent sets are equal.
func newStateSet(passed verdict, nodes []*Node) stateSet {
	if passed&deny != 0 {
		return stateSet{passed: deny}
	}
	nodes = slices.DeleteFunc(nodes, func(n *Node) bool { return n.subtree&^passed == 0 })
	slices.SortFunc(nodes, func(a, b *Node) int { return int(a.id) - int(b.id) })
	return stateSet{passed, slices.Compact(nodes)}
}

// other stands for every segment that no pattern names. No pattern has an empty segment.
const other = ""

// next returns the set after one more segment.
func (s stateSet) next(segment string) stateSet {
	passed := s.passed
	nodes := make([]*Node, 0, 2*len(s.nodes))
	for _, n := range s.nodes {
		passed |= n.rest
		if n.wildcard != nil {
			nodes = append(nodes, n.wildcard)
		}
		if c := n.child(segment); c != nil {
			nodes = append(nodes, c)
		}
	}
	return newStateSet(passed, nodes)
}

// verdict returns the verdict for a permission that ends here.
func (s stateSet) verdict() verdict {
	v := s.passed
	for _, n := range s.nodes {
		v |= n.end
	}
	return v.final()
}

// allows reports whether a permission that ends here is allowed.
func (s stateSet) allows() bool { return s.verdict() == allow }

// mayAllow returns false only if no continuation is allowed.
func (s stateSet) mayAllow() bool {
	return s.passed == allow || slices.ContainsFunc(s.nodes, func(n *Node) bool { return n.subtree&allow != 0 })
}

// allowsAll reports whether every continuation is allowed.
func (s stateSet) allowsAll() bool { return s.passed == allow && len(s.nodes) == 0 }

// deniesOther reports whether no continuation that starts with other is allowed.
func (s stateSet) deniesOther() bool {
	return s.passed == none && !slices.ContainsFunc(s.nodes, func(n *Node) bool { return n.wildcard != nil || n.rest != none })
}

// appendSegments appends the segments that the patterns name at this place.
func (s stateSet) appendSegments(to []string) []string {
	for _, n := range s.nodes {
		for _, e := range n.literals {
			to = append(to, e.segment)
		}
	}
	return to
}

func unique(segments []string) []string {
	slices.Sort(segments)
	return slices.Compact(segments)
}

// key encodes the set as a map key.
func (s stateSet) key() string {
	key := make([]byte, 1, 1+4*len(s.nodes))
	key[0] = byte(s.passed)
	for _, n := range s.nodes {
		key = binary.LittleEndian.AppendUint32(key, n.id)
	}
	return string(key)
}
