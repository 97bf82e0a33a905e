package automaton

import (
	"encoding/binary"
	"slices"
	"strings"
)

// A Grant allows or denies the permissions that a pattern matches.
type Grant struct {
	Pattern string // well formed
	Allowed bool
}

// A verdict is the result of grants for one permission. Both bits may be set while grants are merged; final lets deny win.
type verdict uint8

const (
	none  verdict = 0
	allow verdict = 1
	deny  verdict = 2
)

func (v verdict) final() verdict {
	if v&deny != 0 {
		return deny
	}
	return v
}

func (g Grant) verdict() verdict {
	if g.Allowed {
		return allow
	}
	return deny
}

// A pattern is the parsed form of a grant.
type pattern struct {
	segments []string
	verdict  verdict
}

func parse(g Grant) pattern { return pattern{strings.Split(g.Pattern, "/"), g.verdict()} }

// A Node is a node of a trie. It is the root of the trie of all pattern suffixes that remain to be matched there. Equal
// subtries of one trie are the same node.
type Node struct {
	id       uint32
	end      verdict // of the patterns that end here
	rest     verdict // of the patterns that continue with "**"
	subtree  verdict // of all patterns here and below
	wildcard *Node   // the child for "*", or nil
	literals []edge  // the children for literal segments, in order
}

type edge struct {
	segment string
	to      *Node
}

func (n *Node) child(segment string) *Node {
	i, ok := slices.BinarySearchFunc(n.literals, segment, func(e edge, s string) int { return strings.Compare(e.segment, s) })
	if !ok {
		return nil
	}
	return n.literals[i].to
}

// NewTrie returns the root of the trie of all these grants.
func NewTrie(grants ...[]Grant) *Node {
	var patterns []pattern
	for _, list := range grants {
		for _, g := range list {
			patterns = append(patterns, parse(g))
		}
	}
	return newTrie(patterns)
}

// Allowing returns the root of the trie that allows what one of the patterns matches.
func Allowing(patterns ...string) *Node {
	grants := make([]Grant, len(patterns))
	for i, p := range patterns {
		grants[i] = Grant{p, true}
	}
	return NewTrie(grants)
}

// The tries that allow every permission and no permission.
var (
	Everything = Allowing("**")
	Nothing    = Allowing()
)

// newTrie sorts the patterns.
func newTrie(patterns []pattern) *Node {
	slices.SortFunc(patterns, func(a, b pattern) int { return slices.Compare(a.segments, b.segments) })
	return nodes{}.build(patterns, 0)
}

// nodes are the nodes of one trie, each under an encoding of its contents.
type nodes map[string]*Node

// build returns the node for sorted patterns that agree in the first depth segments.
func (known nodes) build(patterns []pattern, depth int) *Node {
	var n Node
	for len(patterns) > 0 && len(patterns[0].segments) == depth { // they sort first
		n.end |= patterns[0].verdict
		patterns = patterns[1:]
	}
	for len(patterns) > 0 {
		segment := patterns[0].segments[depth]
		same := 1
		for same < len(patterns) && patterns[same].segments[depth] == segment {
			same++
		}
		group := patterns[:same]
		patterns = patterns[same:]
		switch segment {
		case "**":
			for _, p := range group {
				n.rest |= p.verdict
			}
		case "*":
			n.wildcard = known.build(group, depth+1)
		default:
			n.literals = append(n.literals, edge{segment, known.build(group, depth+1)})
		}
	}
	return known.unique(n)
}

// unique returns the known node that equals n, or adds n.
func (known nodes) unique(n Node) *Node {
	n.subtree = n.end | n.rest
	wildcard := uint32(0)
	if n.wildcard != nil {
		n.subtree |= n.wildcard.subtree
		wildcard = n.wildcard.id + 1
	}
	key := binary.LittleEndian.AppendUint32([]byte{byte(n.end), byte(n.rest)}, wildcard)
	for _, e := range n.literals {
		n.subtree |= e.to.subtree
		key = binary.LittleEndian.AppendUint32(key, e.to.id)
		key = append(append(key, e.segment...), '/')
	}
	if same := known[string(key)]; same != nil {
		return same
	}
	n.id = uint32(len(known))
	known[string(key)] = &n
	return &n
}
