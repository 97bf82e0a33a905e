// Package automaton compiles the grants of a role into a DFA, and compares the grants of several roles.
//
// A permission is read segment by segment, so a segment is one letter of the alphabet. The alphabet is unbounded, but all
// segments that no pattern names behave alike. The code calls them other.
//
// # Decisions: trie -> subset construction -> DFA
//
//  1. Patterns are parsed into a trie: a child for each literal segment, a child for "*", and a mark for "**". A [Node] has
//     the verdict of the patterns that end there. Equal subtries are stored once.
//  2. The trie is an NFA: a permission can continue at a literal child, at the "*" child, or at both. The set of nodes after a
//     prefix is a stateSet. It also has the verdict of each "**" that matches the prefix.
//  3. [Compile] runs the subset construction: each reachable stateSet becomes a state of the DFA. A state has the verdict of
//     a permission that ends there, a transition for each segment that its nodes name, and a transition for other. The
//     transitions of all states are in one hash table, keyed by state and segment.
//  4. Grants without a wildcard are not parsed. They are entries of the same table, keyed by the whole text. Compile
//     merges the verdict of the patterns into them.
//  5. [DFA.Allows] looks up the whole permission. If there is no entry, it runs the DFA, with one look-up per segment.
//
// So a decision makes one look-up for the permission and one for each segment, however many grants there are. For example,
// content/*/read = true and content/posts/** = false make this DFA:
//
//	start --content--> A --posts--> B --other--> deny all
//	                   A --other--> C --read---> allow
//
// The subset construction can be exponential. [MaxOverlap] bounds its size, and an [Overlap] names the patterns that pass
// it. Roles that were stored before the bound existed are compiled without strict: into several smaller automata, each of
// which a decision runs.
//
// # Comparisons: product search
//
// "Does role a allow all that role b allows?" means "is there no permission that b allows and a does not?". A [Query] asks
// for such a permission, over up to five tries. [Query.Find] searches the product of their DFAs breadth first; a
// productState has one stateSet per trie. The DFAs are made on the way, because most of their states are never reached.
// The search is exact, and finds a shortest witness. Covers, Missing and Reaches of the package roles use it.
//
// The product can be exponential as well. Each step draws from a [Budget], whose error ends the search.
package automaton
