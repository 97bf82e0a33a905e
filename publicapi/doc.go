// Package publicapi says which role callers get who show no key, and what that opens to the world.
//
// [Fixed] is a role written into the program. A [Service] keeps the choice in a [Store], so that it can be
// changed while the program runs; it is closed until somebody opens it. Both are an [auth.Anonymous].
//
// The public API is the setting with the widest reach, so it is hard to get wrong by accident: Set refuses
// the super role, a role that does not exist, and a role that can change data, unless the caller acknowledges
// each permission that does, by name. A permission counts as changing data if the catalog does not list it as
// read. A role that is deleted closes the public API; nothing opens it but Set. [Exposure] tells what
// the world can do, before or after.
//
// A Service asks its store whenever a caller shows no key, or keeps the setting for a bounded time: see
// [Config.Staleness]. With one, close the Service at the end.
//
// Set looks at the role as it is. Whoever edits the public role later changes what the world can do: a host
// that lets people edit roles shows them Exposure first.
package publicapi
