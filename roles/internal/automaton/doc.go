// Package automaton compiles the grants of a role into a DFA, and compares the grants of several roles.
//
// A permission is read segment by segment, so a segment is one letter of the alphabet. The alphabet has no bound: every
// segment that no pattern names behaves the same, and is called other.
//
// # Decisions: trie -> subset construction -> DFA
//
//  1. Patterns are parsed into a trie ([NewTrie]): one child per literal segment, one child for "*", and a mark for "**".
//     Each node has the verdict of the patterns that end there. Equal subtries are stored once.
//  2. The trie is an NFA: after a segment a permission can be at the literal child, at the "*" child, or at both. The set of
//     nodes after a prefix is a stateSet. It also has the verdict of each "**" that it passed.
//  3. [Compile] runs the subset construction: each reachable stateSet becomes one DFA state, numbered from 0. A state has the
//     verdict of a permission that ends there, a transition for each segment that its nodes name, and one transition for
//     other. Transitions are entries of one hash table, keyed by state and segment.
//  4. Grants without a wildcard are not parsed. They are entries of the same table, keyed by the whole text. Compile
//     merges the verdict of the patterns into them.
//  5. [DFA.Allows] looks up the whole permission once. If there is no entry, it runs the DFA: one look-up per segment.
//
// So a decision costs one look-up for the permission and one for each segment, however many grants there are.
//
// For example, content/*/read = true and content/posts/** = false make this DFA:
//
//	start --content--> A --posts--> deny all
//	                   A --other--> B --read--> allow
//
// The subset construction can be exponential. [MaxOverlap] bounds its size; [Overlap] names the patterns that pass it. Roles
// that were stored before the bound existed are compiled without strict. They become several smaller automata, and a
// decision runs each of them.
//
// # Comparisons: product search
//
// "Does role a allow all that role b allows?" is "is there a permission that b allows and a does not?". A [Query] asks that,
// for up to five tries at once. [Query.Find] searches the product of their DFAs breadth first: a productState is one
// stateSet per trie. The DFAs are made on the way, because most of their states are never reached. The search is exact, and its answer is
// a shortest witness. The package roles builds Covers, Missing and Reaches on it.
//
// A product can be exponential as well. Every step is paid for from a [Budget]; its error ends the work.
package automaton
