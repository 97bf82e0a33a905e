// Package roles decides what a role allows.
//
// A [Role] has an appid, such as "editor", and [Grants]: permissions or patterns, each with true or false. [Compile] makes a
// [Policy] from roles. [Policy.Allows] decides; a Policy never changes. A [Directory] is a policy that follows the roles in
// a [Store]. A [Catalog] lists the permissions of an application. It finds typing errors, and permissions that can change
// data.
//
// # Rules
//
// A permission is 1 to 16 segments joined by "/", such as "content/posts/read". A segment is 1 to 64 of the bytes A-Z a-z
// 0-9 _ - . : @, but not "." or "..". In a pattern a segment may be "*", which matches exactly one segment. The last one may
// be "**", which matches one or more.
//
// A permission without a matching grant is denied. Deny wins: a matching grant with false denies, whether it is the role's
// own or inherited. The order of grants does not matter. A role has its own grants and those of all roles that it inherits
// from.
//
// A requested permission is never a pattern. Nothing is trimmed, case-folded or normalised: a malformed permission is
// denied, even to [Admin]. Admin is the one built-in role. It allows everything and is never stored. No other role may have
// its name in any case, or inherit from it.
//
// # Promises
//
// A decision does no I/O, takes no lock and allocates nothing. It looks up the permission and each of its segments at most
// once, so its cost does not depend on the number of roles and grants. Patterns that overlap too much would break this
// promise: a role with such patterns, own or inherited, is refused when it is saved, see [Policy.With]. A nil *Policy
// allows nothing.
//
// Comparing roles ([Policy.Covers], [Policy.Missing], [Policy.Reaches]) can cost more. A [Budget] bounds it.
//
// # For stores
//
// A [Store] holds the roles under a [Revision], which each change moves. Package rolestest checks its promises.
// [MemoryStore] is the reference.
package roles
