// Package keys issues, verifies, refreshes and invalidates API keys.
//
// [NewRing] returns a [Ring] over a [Store]; [Open] takes a [Config]. Then:
//
//   - [Ring.IssueUser] makes a key that belongs to a user and has that user's current role.
//   - [Ring.IssueCustom] makes a key that belongs to no user and has its own name and role.
//   - [Ring.Verify] checks a credential; [Verified.Used] then records the use. auth.Guard does both.
//   - [Ring.Refresh] replaces the value of a key, at once or with an overlap.
//   - [Ring.Update], [Ring.Disable], [Ring.Enable] and [Ring.Invalidate] change a key.
//   - [Ring.Import] accepts a key that was made elsewhere.
//   - [Ring.Get] and [Ring.List] return the [Record] of a key: everything but its value.
//   - [Ring.In] serves another tenant. [Ring.Close] stops the ring.
//
// The value of a key leaves the ring once, as a [Key]. A Key prints as its hint; only [Key.Reveal] returns the value.
//
// A key is "USR-" or "API-" and 40 lower-case hex digits: 128 random bits and the CRC-32 (IEEE) of all bytes before it.
// A text that fails this checksum is neither hashed nor looked up, unless [Config.ImportedKeys] is set: imported keys
// have no checksum.
//
// This package stores roles, scopes and networks. It does not decide what they allow, and it never sees a request.
//
// # Promises
//
//   - A key that is not valid gives an error wrapping [ErrInvalid]. A store that fails, hangs or returns a corrupt record
//     gives an error wrapping [ErrStore]. The two are never confused.
//   - Every change is one conditional write, and is durable before it is reported.
//   - An invalidated key never becomes valid again.
//   - Without a [Feed], a change made on any node acts on the next request.
//   - With a Feed, a change acts on the next request on the node that made it, and within [Config.Staleness] on the
//     others. If the feed fails for that long, the ring asks the store each time.
//   - A store error is never cached. That a key does not exist is cached for at most a second.
//   - No error, log line or event of this package contains a key or a digest.
//
// # For stores
//
// A [Store] stores a [Record] of each key. It receives a [Digest] of the key and never the key; [NewDigest] and
// [Digest.Reveal] convert it to columns. [EncodeRecord] and [DecodeRecord] convert a whole record to bytes for a
// key-value database. [Filter] says which records a list contains.
//
// A [LastUsedStore] records times of last use. A [Feed] lets several nodes cache the records of one store: [Changes] names
// the records that changed after a [Revision].
//
// Package keystest checks the promises of all three. [MemoryStore] implements the first two.
package keys
