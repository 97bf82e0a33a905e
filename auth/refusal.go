package auth

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/latchkey-go/latchkey/keys"
)

// A Reason is a stable code that says why a request was refused. It is for the [Config.Observe] hook and the
// host's own decisions: what a stranger hears is the status and its text alone.
type Reason string

const (
	ReasonMissingKey     Reason = "missing_key"         // 401: nothing shown, and the public API does not let them
	ReasonInvalidKey     Reason = "invalid_key"         // 401: well formed, but not a key of this space (any more)
	ReasonMalformedKey   Reason = "malformed_key"       // 401: cannot be a key
	ReasonMisplacedKey   Reason = "misplaced_key"       // 401: one of our keys where none may stand
	ReasonExpiredKey     Reason = "expired_key"         // 401
	ReasonDisabledKey    Reason = "disabled_key"        // 401
	ReasonInvalidatedKey Reason = "invalidated_key"     // 401
	ReasonInactiveOwner  Reason = "inactive_owner"      // 401: the key's user may not sign in
	ReasonNoOwner        Reason = "no_owner"            // 401: the key's user is gone, or the host has no Users
	ReasonAddressRefused Reason = "address_not_allowed" // 401: the peer is outside the key's AllowedIPs
	ReasonAmbiguous      Reason = "ambiguous_key"       // 400: more than one credential, one in the query, or a name misspelt
	ReasonNoRole         Reason = "no_role"             // 403: the principal has no role, or one that is gone
	ReasonNotGranted     Reason = "not_granted"         // 403, or 401 for an anonymous caller
	ReasonOutOfScope     Reason = "out_of_scope"        // 403: the role allows it, the key's scopes do not
	ReasonBadPermission  Reason = "bad_permission"      // 403 or 401: the address makes no valid permission
	ReasonCrossOrigin    Reason = "cross_origin"        // 403: a signed-in browser sent from another origin
	ReasonRateLimited    Reason = "rate_limited"        // 429
	ReasonStoreFailed    Reason = "store_failed"        // 503: keys, users, sessions or the public setting
	ReasonClientGone     Reason = "client_gone"         // 503 that nobody reads: the caller left before a store answered
	ReasonNoPolicy       Reason = "no_policy"           // 503: the roles cannot be vouched for now
	ReasonInternalError  Reason = "internal_error"      // 500: host code panicked
	ReasonNoPathValue    Reason = "no_path_value"       // 500: the router has no value for a {name} of the permission
)

// A Refusal is the error of every decision: what the caller gets, and why. Its text is public.
type Refusal struct {
	Status     int           // of the table: 400, 401, 403, 429, 500 or 503
	Reason     Reason        // for the observer, not for the caller
	Missing    string        // the permission that is missing; only where the caller may hear it
	Detail     string        // a sentence for the caller: which rule was broken, where a key belongs; may be ""
	RetryAfter time.Duration // for 429 and 503

	credential bool  // a credential was sent, so a challenge carries an error code (RFC 6750, section 3.1)
	cause      error // what the store said, or what the host has to mend; for Unwrap alone
	key        string
}

// Error returns the text that a stranger may read. It is Cockpit's where Cockpit has one.
func (e *Refusal) Error() string {
	switch e.Status {
	case http.StatusBadRequest:
		return "Bad request"
	case http.StatusUnauthorized:
		return "Authentication failed"
	case http.StatusForbidden:
		return "Permission denied"
	case http.StatusTooManyRequests:
		return "Rate limit exceeded"
	case http.StatusInternalServerError:
		return "Internal server error"
	}
	return "Service unavailable"
}

// Unwrap returns the error behind the refusal, if there is one, such as [keys.ErrExpired] or what a store
// said. It is for logs, not for callers.
func (e *Refusal) Unwrap() error { return e.cause }

// retrySoon is what a 503 asks of its caller.
const retrySoon = time.Second

func refused(status int, reason Reason) *Refusal {
	return &Refusal{Status: status, Reason: reason, credential: true}
}

// The refusals that say nothing about one request are made once: a flood of bad keys allocates none.
var (
	refuseMissing   = &Refusal{Status: http.StatusUnauthorized, Reason: ReasonMissingKey}
	refuseMalformed = &Refusal{Status: http.StatusUnauthorized, Reason: ReasonMalformedKey, credential: true, cause: keys.ErrMalformed}
	refuseMisplaced = refused(http.StatusUnauthorized, ReasonMisplacedKey)
	refuseOrigin    = &Refusal{Status: http.StatusForbidden, Reason: ReasonCrossOrigin}
	refuseNoPolicy  = &Refusal{Status: http.StatusServiceUnavailable, Reason: ReasonNoPolicy, RetryAfter: retrySoon}
	refusePanic     = &Refusal{Status: http.StatusInternalServerError, Reason: ReasonInternalError}
)

// inTrouble is the 503 of a store that failed: whatever it said, it is no verdict on the caller. If the caller
// left while it was asked, ctx tells, and nobody need look at the store.
func storeError(ctx context.Context, cause error) *Refusal {
	reason := ReasonStoreFailed
	if errors.Is(ctx.Err(), context.Canceled) {
		reason = ReasonClientGone
	}
	return &Refusal{Status: http.StatusServiceUnavailable, Reason: reason, RetryAfter: retrySoon, cause: cause}
}

// asError is what leaves the package: nil, or a copy, since some refusals are shared.
func (e *Refusal) asError() error {
	if e == nil {
		return nil
	}
	own := *e
	return &own
}

// asRefusal finds the refusal in err. One with a status that is none of the table's is the host's mistake: 500.
// Any other error is trouble: 503.
func asRefusal(ctx context.Context, err error) *Refusal {
	if refusal, ok := errors.AsType[*Refusal](err); ok && refusal != nil {
		if problems[refusal.Status] == nil { // a host's own, half filled
			return refusePanic
		}
		return refusal
	}
	return storeError(ctx, err)
}
