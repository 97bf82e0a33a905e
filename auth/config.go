package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/latchkey-go/latchkey/internal/ask"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// Config configures a [Guard]. Keys and Roles are required; every other zero value is the strict choice. The
// functions may be called concurrently. If one panics, the answer is 500 or 503 and the handler does not run; a panic
// of Profile goes to the server.
type Config struct {
	// Keys verifies keys. A guard serves the space of this ring.
	Keys *keys.Ring
	// Roles holds the roles: a fixed *roles.Policy or a live *roles.Directory.
	Roles roles.Source
	// Anonymous returns the role of callers without a credential. Nil: they are refused.
	Anonymous Anonymous
	// Users looks up the owners of user keys. Nil: every user key is refused with 401.
	Users Users
	// RoleChanges is the Watch method of the directory behind Roles. Changes are functions like [UserCache.Watch] and
	// publicapi.Service.Watch, for Users, Anonymous and other data of the host that decisions depend on. Each calls f after
	// each change on this node, once the change is visible to callers, until stop is called. [Guard.Watch] calls
	// them. A change that none of them reports still takes effect on the next request; a stream sees it at its next
	// [Recheck].
	RoleChanges func(f func(before, now *roles.Policy)) (stop func())
	Changes     []func(f func(Change)) (stop func())

	// SignedIn returns the user of the host's own sign-in who sent the request: "" if there is none. An error is a
	// store failure (503). It is called only when the request has no credential of ours. The user is looked up in
	// Users, which is required, and the request must pass [http.CrossOriginProtection], since browsers send cookies
	// unasked.
	SignedIn func(*http.Request) (userID string, err error)
	// CrossOrigin is the protection for signed-in users. Nil: the zero one, which trusts no other origin.
	CrossOrigin *http.CrossOriginProtection
	// ForeignBearer leaves an "Authorization: Bearer" token without one of our prefixes to the host, as if it were
	// absent; imported keys of free text then work in the api-key header alone. False: the token is a bad key.
	ForeignBearer bool

	// Sources are the places where a key is accepted. Zero: SourceAPIKeyHeader | SourceBearer.
	Sources Sources
	// InsecureFirstWins allows keys in several sources and uses the first alone, in the order SourceInsecureQuery,
	// SourceAPIKeyHeader, SourceBearer, SourceNonstandardXAPIKey. If the first is bad, the request is refused even if a later one
	// is good; events tell the reason of the first. A malformed credential in any source (empty, repeated, a list)
	// still refuses the request. It is insecure because anyone who can add to a request, such as the author of a
	// link, chooses who it acts for. False, and for messages: two keys are refused with 400.
	InsecureFirstWins bool
	// QueryNames are the query parameters that are refused with 400. Nil: "api_key" and "access_token". Empty: none,
	// but a value that begins like one of our keys is still refused under these two names. A value that is one of our
	// keys is refused under every name, whatever QueryNames says.
	QueryNames []string
	// StripCredentials removes the key from the headers and the query that the handler sees. Another guard further in
	// then refuses with 401, since it cannot see the credential.
	StripCredentials bool

	// PathValue returns the value of a {name} in the route that matched. Nil: r.PathValue.
	PathValue func(r *http.Request, name string) string
	// Route returns the pattern that r matched, for events, without the method. Nil: r.Pattern without it.
	Route func(r *http.Request) string
	// ClientAddr returns the client's address, for keys with AllowedIPs and for events. Nil: the host of
	// r.RemoteAddr; no forwarded header is trusted. The zero Addr means unknown, and is in no network.
	ClientAddr func(*http.Request) netip.Addr
	// Limit is called once a request, after authentication; false is answered with 429 and Retry-After. It must not
	// block. Nil: no limit.
	Limit func(*http.Request, Principal) (retryAfter time.Duration, ok bool)
	// Observe receives one [Event] a request; see there. It must not block. Nil: no events.
	Observe func(context.Context, Event)
	// Profile writes the answer to a refused request. When it is called, Vary and Cache-Control are set, and Retry-After
	// for 429 and 503. It must not change the refusal, nor tell the client its Reason. Nil: [Problem].
	Profile func(w http.ResponseWriter, r *http.Request, refusal *Refusal)
	// Timeout bounds each call of Users, Anonymous and SignedIn. Zero: one second. [NeverBlocks]: they return at once
	// and are called without a deadline, as [UserMap], [*UserCache] and publicapi.Fixed always are.
	Timeout time.Duration
}

// NeverBlocks is a [Config.Timeout]: the host's code returns at once, so it needs no deadline.
const NeverBlocks time.Duration = -1

// maxWaiting bounds the concurrent calls to host code of one kind, hung ones included.
const maxWaiting = 256

// New makes a guard. Its error lists every mistake in c at once.
func New(c Config) (*Guard, error) {
	var mistakes []error
	check := func(mistake bool, format string, args ...any) {
		if mistake {
			mistakes = append(mistakes, fmt.Errorf("auth: "+format, args...))
		}
	}
	const known = SourceAPIKeyHeader | SourceBearer | SourceNonstandardXAPIKey | SourceInsecureQuery
	check(c.Keys == nil, "Config.Keys is nil: no key could be verified")
	check(ask.IsNil(c.Roles), "Config.Roles is nil: no role could be looked up")
	check(c.Anonymous != nil && ask.IsNil(c.Anonymous),
		"Config.Anonymous holds a nil %T; leave the field nil to close the public API", c.Anonymous)
	check(c.Users != nil && ask.IsNil(c.Users), "Config.Users holds a nil %T; leave the field nil to refuse user keys", c.Users)
	check(c.SignedIn != nil && c.Users == nil, "Config.SignedIn needs Config.Users to look up the role of a signed-in user")
	check(c.CrossOrigin != nil && c.SignedIn == nil,
		"Config.CrossOrigin does nothing without Config.SignedIn: browsers do not send keys unasked")
	check(c.Sources&^known != 0, "Config.Sources has an unknown bit")
	for _, watch := range c.Changes {
		check(watch == nil, "Config.Changes holds a nil function")
	}
	check(c.Timeout < 0 && c.Timeout != NeverBlocks,
		"Config.Timeout is %v: use a positive time, zero for the default, or NeverBlocks", c.Timeout)
	if fixed, ok := c.Anonymous.(interface{ FixedRole() string }); ok { // publicapi.Fixed
		policy, ok := c.Roles.(*roles.Policy)
		check(ok && policy != nil && !policy.Has(fixed.FixedRole()), "Config.Anonymous is the fixed role %q, which Config.Roles does not have", fixed.FixedRole())
	}
	check(slices.Contains(c.QueryNames, ""), "Config.QueryNames holds an empty name")
	if len(mistakes) > 0 {
		return nil, errors.Join(mistakes...)
	}

	g := &Guard{c: c}
	g.c.Changes = slices.Clone(c.Changes)
	g.askSession = limit(c.Timeout, nil)
	g.askUsers = limit(c.Timeout, c.Users)
	g.askRole = limit(c.Timeout, c.Anonymous)
	if c.Anonymous != nil {
		g.setting = c.Anonymous.PublicRole
	}
	if g.c.Sources == 0 {
		g.c.Sources = SourceAPIKeyHeader | SourceBearer
	}
	if g.c.PathValue == nil {
		g.c.PathValue = (*http.Request).PathValue
	}
	if g.c.Route == nil {
		g.c.Route = pattern
	}
	if g.c.ClientAddr == nil {
		g.c.ClientAddr = remoteAddr
	}
	if g.c.CrossOrigin == nil {
		g.c.CrossOrigin = http.NewCrossOriginProtection()
	}
	g.extractor = newExtractor(g.c, c.Keys.Format())
	g.unauthorized = problemBody(&Refusal{Status: http.StatusUnauthorized, Detail: g.extractor.accepted})
	g.vary = baseVary
	if g.c.Sources&SourceNonstandardXAPIKey != 0 {
		g.vary += ", X-Api-Key"
	}
	if c.SignedIn != nil {
		g.vary += ", Cookie"
	}
	g.custom = &subject{guard: g, kind: KindCustomKey}
	g.none = &subject{guard: g, kind: KindNone}
	return g, nil
}

// limit makes the limit of calls to source. Each has its own places, so hung calls do not block calls to other
// sources.
func limit(timeout time.Duration, source any) *ask.Limit {
	if timeout == NeverBlocks || ask.Bounded(source) {
		return ask.Inline(keys.ErrStore)
	}
	return ask.New(keys.ErrStore, cmp.Or(timeout, time.Second), maxWaiting)
}

// ClientAddr returns the client's address as Config.ClientAddr does: for other records of the host, such as an audit
// log.
func (g *Guard) ClientAddr(r *http.Request) netip.Addr { return g.c.ClientAddr(r) }

// pattern is the default of Config.Route.
func pattern(r *http.Request) string {
	method := max(strings.IndexAny(r.Pattern, " \t"), 0)
	if strings.Contains(r.Pattern[:method], "/") { // a space in the name of a Call's operation
		return r.Pattern
	}
	return strings.TrimLeft(r.Pattern[method:], " \t")
}

// remoteAddr is the default of Config.ClientAddr: the host of r.RemoteAddr, which net/http sets from the connection.
// It is the zero Addr if that is not an address, as on a Unix socket. Behind a proxy it is the proxy.
func remoteAddr(r *http.Request) netip.Addr {
	if ap, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		return ap.Addr().Unmap()
	}
	addr, _ := netip.ParseAddr(r.RemoteAddr)
	return addr.Unmap()
}
