// Package auth turns a request into a [Principal] and gates handlers with it: who is calling, and may they
// do this?
//
// A [Guard] is made once from a ring of keys, a source of roles and a rule for callers who show nothing.
// [Guard.Identify] goes around the whole mux and finds out who asks. [Guard.Handle] registers a route that
// needs a permission, [Guard.HandleOpen] one that needs none, and [Guard.Require] wraps any handler of any router.
// Inside a handler, [PrincipalFrom] says who it is and [Allowed] asks for more.
//
// A credential that is shown and not good is refused with 401, on open routes too: it never turns into the
// public role. Two credentials are refused with 400. A store that fails, hangs or panics is 503: never 401,
// and never the public role. Every answer that passed the guard carries Vary, and Cache-Control: no-store
// unless a handler says otherwise. Refusals look like RFC 9457 problem documents; see [Problem].
//
// The package reads headers and, by name only, the query. It reads no body, cookie or form, trusts no
// forwarded header, and never matches path text: it wraps handlers.
package auth
