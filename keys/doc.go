// Package keys issues, verifies, refreshes and ends API keys.
//
// A [Ring] works over a [Store], which keeps a [Record] of each key: everything but the key. What is stored is a
// digest; the key itself leaves [Ring.IssueUser], [Ring.IssueCustom] and [Ring.Refresh] once, as a [Key] that
// prints as its hint, and only [Key.Reveal] gives the value.
//
// There are two kinds. A user key belongs to a user and carries that user's role of the moment. A custom key
// belongs to nobody and has a name and a role of its own. This package stores roles, scopes and networks; it
// does not decide what they allow, and it never sees a request.
//
// A key reads "USR-" or "API-" and 40 lower-case hex digits: 128 random bits and the CRC-32 (IEEE) of all
// bytes before it. A text that fails this checksum costs neither hashing nor a look-up. With [Config.ImportedKeys],
// which keys made elsewhere need, it costs both, and is answered with [ErrStore] while the store fails.
//
// # Several nodes
//
// Nodes that share a store see each other's changes at once as long as each request asks it. With a [Feed] in the
// configuration a ring keeps what it found, in bounded memory, and most requests ask nobody. Then a change acts on the
// next request on the node that made it, and on the others within [Config.Staleness]: that is kept by asking the feed
// for the store's revision more often than twice in that time. If the feed does not answer, what is kept stops to count
// when that time is over, and the store is asked each time; if it does not answer either, that is [ErrStore]. An error
// is never kept. That a key does not exist is kept for a second at most.
//
// # Promises
//
// A key that is not good is refused with an error wrapping [ErrInvalid], and a store that fails,
// hangs or answers nonsense gives an error wrapping [ErrStore], never the other way round. Every change is one
// conditional write, and nothing is shown before it is durable. An invalidated key stays so for good. No key and
// no digest stands in any error, log line or event made here.
package keys
