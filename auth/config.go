package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"reflect"
	"slices"
	"time"

	"github.com/latchkey-go/latchkey/internal/ask"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// Config says what a [Guard] is made of. Keys and Roles are required; every other zero value is the strict
// choice. The functions may be called concurrently. One that panics is answered with 500 or 503, and next does
// not run; a panic of Profile is the server's to handle.
type Config struct {
	// Keys verifies what is presented. A guard serves the one space of this ring.
	Keys *keys.Ring
	// Roles says what a role may do: a fixed *roles.Policy or a live *roles.Directory.
	Roles roles.Source
	// Anonymous says which role callers get who show nothing. Nil: none, they are turned away.
	Anonymous Anonymous
	// Users knows the owners of user keys. Nil: every user key is refused with 401.
	Users Users
	// RoleChanges is the Watch method of the directory behind Roles. Changes are functions like [UserCache.Watch] and
	// publicapi.Service.Watch, for Users, Anonymous and whatever else the host decides by. Each calls f after each
	// change on this node, when callers that ask see it already, until stop is called. [Guard.Watch] calls them. A
	// change that none of them reports still acts on the next request; a stream hears of it at its next [Recheck].
	RoleChanges func(f func(before, now *roles.Policy)) (stop func())
	Changes     []func(f func(Change)) (stop func())

	// SignedIn says which user of the host's own sign-in sent the request: "" is nobody, an error is a store
	// in trouble (503). It is asked only when nothing of ours is shown. Whoever it names passes
	// [http.CrossOriginProtection], since browsers send cookies by themselves, and needs Users.
	SignedIn func(*http.Request) (userID string, err error)
	// CrossOrigin is the protection for signed-in users. Nil: the zero one, which trusts no other origin.
	CrossOrigin *http.CrossOriginProtection
	// ForeignBearer leaves an "Authorization: Bearer" token without one of our prefixes to the host, as if it were
	// not there; imported keys of free text then work in the api-key header alone. False: it is a bad key.
	ForeignBearer bool

	// Sources says where a key may stand. Zero: SourceAPIKeyHeader | SourceBearer.
	Sources Sources
	// InsecureFirstWins lets a request show a key in several places, and goes by the first alone: InsecureQuery,
	// then APIKeyHeader, BearerToken and NonstandardXAPIKey. Never is a bad first one rescued by a good second one;
	// events tell the reason of the first. Whatever is oddly spelt in any place (empty, repeated, a list) still refuses
	// the request. Whoever can add to a request, as the author of a link can, then chooses who it speaks for.
	// False, and in messages: two keys are refused with 400.
	InsecureFirstWins bool
	// QueryNames are the query parameters that are refused with 400. Nil: "api_key" and "access_token".
	// Empty: none, but a value that begins like one of our keys is still refused under these two names. A value that is
	// one of our keys is refused under every name, whatever QueryNames says.
	QueryNames []string
	// StripCredentials takes the key out of the headers and the query that next sees. Another guard further in
	// then refuses with 401, since it cannot see what was shown.
	StripCredentials bool

	// PathValue returns the value of a {name} in the route that matched. Nil: r.PathValue.
	PathValue func(r *http.Request, name string) string
	// ClientAddr says who the peer is, for keys with AllowedIPs and for events. Nil: the host of
	// r.RemoteAddr; no forwarded header is trusted. The zero Addr is unknown, and in no network.
	ClientAddr func(*http.Request) netip.Addr
	// Limit is asked once a request, after authentication; false is answered with 429 and Retry-After. It
	// must not block. Nil: no limit.
	Limit func(*http.Request, Principal) (retryAfter time.Duration, ok bool)
	// Observe hears one [Event] a request; see there. It must not block. Nil: nobody hears.
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

// maxWaiting bounds the calls to host code of one kind that are under way at once, hung ones included.
const maxWaiting = 256

// New makes a guard. Its error lists every mistake in c at once.
func New(c Config) (*Guard, error) {
	var mistakes []error
	wrong := func(format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf("auth: "+format, args...))
	}
	if c.Keys == nil {
		wrong("Config.Keys is nil: no key could be verified")
	}
	if isNil(c.Roles) {
		wrong("Config.Roles is nil: no role could be looked up")
	}
	if c.Anonymous != nil && isNil(c.Anonymous) {
		wrong("Config.Anonymous holds a nil %T; leave the field nil to close the public API", c.Anonymous)
	}
	if c.Users != nil && isNil(c.Users) {
		wrong("Config.Users holds a nil %T; leave the field nil to refuse user keys", c.Users)
	}
	if c.SignedIn != nil && c.Users == nil {
		wrong("Config.SignedIn needs Config.Users to know the role of who is signed in")
	}
	if c.CrossOrigin != nil && c.SignedIn == nil {
		wrong("Config.CrossOrigin does nothing without Config.SignedIn: keys are not sent by browsers on their own")
	}
	if c.Sources&^(SourceAPIKeyHeader|SourceBearer|SourceNonstandardXAPIKey|SourceInsecureQuery) != 0 {
		wrong("Config.Sources has a bit that is no source")
	}
	for _, watch := range c.Changes {
		if watch == nil {
			wrong("Config.Changes holds a nil function")
		}
	}
	if c.Timeout < 0 && c.Timeout != NeverBlocks {
		wrong("Config.Timeout is %v: use a positive time, zero for the default, or NeverBlocks", c.Timeout)
	}
	for _, name := range c.QueryNames {
		if name == "" {
			wrong("Config.QueryNames holds an empty name")
		}
	}
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
	if g.c.Profile == nil {
		g.c.Profile = Problem
	}
	if g.c.PathValue == nil {
		g.c.PathValue = (*http.Request).PathValue
	}
	if g.c.ClientAddr == nil {
		g.c.ClientAddr = remoteAddr
	}
	if g.c.CrossOrigin == nil {
		g.c.CrossOrigin = http.NewCrossOriginProtection()
	}
	g.extractor = newExtractor(g.c, c.Keys.Format())
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

// limit makes the limit of calls to source, with its own places: calls that hang do not hold up calls to other sources.
func limit(timeout time.Duration, source any) *ask.Limit {
	if timeout == NeverBlocks || ask.Bounded(source) {
		return ask.Inline(keys.ErrStore)
	}
	return ask.New(keys.ErrStore, cmp.Or(timeout, time.Second), maxWaiting)
}

// isNil sees through an interface that holds a nil pointer, map or function.
func isNil(v any) bool {
	if v == nil {
		return true
	}
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Func, reflect.Slice, reflect.Chan, reflect.Interface:
		return r.IsNil()
	}
	return false
}

// An origin is where a request came from: a request to ask Config.ClientAddr about, or an address.
type origin struct {
	request *http.Request
	addr    netip.Addr
}

func (o origin) peer(g *Guard) netip.Addr {
	if o.request == nil {
		return o.addr
	}
	return g.c.ClientAddr(o.request)
}

// ClientAddr says who the peer is, as Config.ClientAddr does: for what else a host writes down, such as an audit log.
func (g *Guard) ClientAddr(r *http.Request) netip.Addr { return g.c.ClientAddr(r) }

// remoteAddr is the default of Config.ClientAddr: the host of r.RemoteAddr, which net/http sets from the
// connection. It is the zero Addr if that is no address, as on a Unix socket. Behind a proxy it is the proxy.
func remoteAddr(r *http.Request) netip.Addr {
	if ap, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		return ap.Addr().Unmap()
	}
	addr, err := netip.ParseAddr(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap()
}
