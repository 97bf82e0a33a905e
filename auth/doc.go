// Package auth turns a request into a [Principal] and guards handlers with it: who is calling, and are they allowed
// to do this?
//
// # Where to start
//
// Make one [Guard] with [New] from a ring of keys, a source of roles, and the rule for callers without a credential.
// Then use these four methods:
//
//   - [Guard.Identify] wraps the whole mux. It authenticates each request.
//   - [Guard.Handle] registers a route that needs a permission; [Guard.HandleOpen] registers one that needs none.
//   - [Guard.Require] wraps any handler of any router.
//
// In a handler, [PrincipalFrom] returns the caller and [Allowed] checks a further permission. [LogTo] logs every
// decision.
//
// # Promises
//
// A credential that is sent but not valid is refused with 401, on open routes too; it never falls back to the public
// role. Two credentials are refused with 400. If a store fails, hangs or panics, the answer is 503: never 401, and
// never the public role. Every answer carries Vary, and Cache-Control: no-store unless the handler sets another
// value. Refusals are RFC 9457 problem documents; see [Problem].
//
// The package reads the headers, and the query for credentials only. It reads no body or form, trusts no forwarded
// header, and never matches path text. It reads cookies only to refuse a key in one.
//
// # More
//
// [Guard.Check] decides and writes nothing; [Guard.Refuse] writes the answer. [Guard.CheckCall] and
// [Guard.CheckMessage] serve callers that are not net/http and messages of a websocket. [Follow] ends a long-lived
// response when the caller's access ends. [CacheUsers] caches the host's users. [Config] has the host's own sign-in,
// the accepted sources of keys, limits and events.
//
// # Packages that make their own decisions
//
// [Guard.Policy], [Principal.InScope], [Guard.Format], [Guard.Watch] and [Recheck] are for packages such as
// graphqlauth, which decide on many fields at once and on streams that outlive a request. Most hosts do not need
// them.
package auth
