// Package roles says what a named role may do.
//
// A [Role] has an appid, such as "editor", and [Grants]: permissions, or patterns of them, each with true or
// false. [Compile] turns a set of roles into a [Policy], which answers [Policy.Allows] and never changes.
// A [Directory] is a policy that follows the roles in a [Store]. A [Catalog] lists the permissions an
// application knows, so that typing errors and rights to change data can be found.
//
// # Rules
//
// A permission is 1 to 16 segments joined by "/", such as "content/posts/read". A segment is 1 to 64 of the
// bytes A-Z a-z 0-9 _ - . : @ and is neither "." nor "..". In a pattern a segment may be "*", which stands for
// exactly one segment, and the last one may be "**", which stands for one or more.
//
// What no grant allows is denied. A grant with false denies, whatever else allows it, in whatever order, and
// whether it is the role's own or inherited. A role has its own grants and those of all roles it inherits from.
//
// What is asked for is never a pattern. Nothing is trimmed, folded or normalised: a permission that is not
// well formed is denied, even to [Admin]. Admin is the one built-in role. It allows everything, it is never
// stored, and no other role may carry its name in any case or inherit from it.
//
// # Promises
//
// A decision does no I/O, takes no lock and allocates nothing. It looks up the permission and each of its segments at
// most once, however many roles there are and however many grants a role has. Patterns that overlap in too many ways
// would break this promise: a role that has or inherits them is refused when it is saved, see [Policy.With]. A nil
// *Policy allows nothing.
//
// Comparing roles ([Policy.Covers], [Policy.Missing], [Policy.Reaches]) can cost more. A [Budget] bounds it.
package roles
