package auth

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/latchkey-go/latchkey/keys"
)

// A Reason is a stable code for the cause of a refusal. It is for [Config.Observe] and the host's own decisions;
// clients get only the status and its text.
type Reason string

const (
	ReasonMissingKey     Reason = "missing_key"         // 401: no credential, and not allowed to the public role
	ReasonInvalidKey     Reason = "invalid_key"         // 401: well formed, but not a key of this space
	ReasonMalformedKey   Reason = "malformed_key"       // 401: not the form of a key
	ReasonMisplacedKey   Reason = "misplaced_key"       // 401: one of our keys in a place that is not accepted
	ReasonExpiredKey     Reason = "expired_key"         // 401
	ReasonDisabledKey    Reason = "disabled_key"        // 401
	ReasonInvalidatedKey Reason = "invalidated_key"     // 401
	ReasonInactiveOwner  Reason = "inactive_owner"      // 401: the key's user is inactive
	ReasonNoOwner        Reason = "no_owner"            // 401: the key's user is gone, or the host has no Users
	ReasonAddressRefused Reason = "address_not_allowed" // 401: the client's address is outside the key's AllowedIPs
	ReasonAmbiguous      Reason = "ambiguous_key"       // 400: more than one credential
	ReasonRepeatedKey    Reason = "repeated_key"        // 400: a source of a credential is repeated, or is a list
	ReasonMisspeltName   Reason = "misspelt_name"       // 400: the name of a source is misspelt, as in "api_key"
	ReasonKeyInQuery     Reason = "key_in_query"        // 400: the query holds a credential
	ReasonNoRole         Reason = "no_role"             // 403: the principal has no role, or a deleted one
	ReasonNotGranted     Reason = "not_granted"         // 403, or 401 for an anonymous caller
	ReasonOutOfScope     Reason = "out_of_scope"        // 403: the role allows it, the key's scopes do not
	ReasonBadPermission  Reason = "bad_permission"      // 403 or 401: the path values do not make a valid permission
	ReasonCrossOrigin    Reason = "cross_origin"        // 403: a signed-in browser sent the request from another origin
	ReasonRateLimited    Reason = "rate_limited"        // 429
	ReasonStoreFailed    Reason = "store_failed"        // 503: keys, users, sessions or the public setting
	ReasonClientGone     Reason = "client_gone"         // 503, unread: the client left before a store answered
	ReasonNoPolicy       Reason = "no_policy"           // 503: no current policy
	ReasonInternalError  Reason = "internal_error"      // 500: host code panicked
	ReasonNoPathValue    Reason = "no_path_value"       // 500: the router has no value for a {name} of the permission
)

// A Refusal is the error of every decision: the answer to the client and its cause. Its text is public.
type Refusal struct {
	Status     int           // 400, 401, 403, 429, 500 or 503; another one if Refuse answers an error of this library
	Reason     Reason        // for the observer, not for the client
	Missing    string        // the missing permission; "" unless the client may learn it
	Detail     string        // a sentence for the client, or "": which rule was broken, where a key belongs
	RetryAfter time.Duration // for 429 and 503

	credential bool  // a credential was sent, so a challenge carries an error code (RFC 6750, section 3.1)
	cause      error // the store's error, or a mistake of the host; for Unwrap alone
	key        string
}

// Error returns the public text: Cockpit's where Cockpit has one.
func (e *Refusal) Error() string {
	return cmp.Or(publicTexts[e.Status], http.StatusText(e.Status), publicTexts[http.StatusServiceUnavailable])
}

var publicTexts = map[int]string{
	http.StatusBadRequest:          "Bad request",
	http.StatusUnauthorized:        "Authentication failed",
	http.StatusForbidden:           "Permission denied",
	http.StatusTooManyRequests:     "Rate limit exceeded",
	http.StatusInternalServerError: "Internal server error",
	http.StatusServiceUnavailable:  "Service unavailable",
}

// Unwrap returns the error behind the refusal, or nil: [keys.ErrExpired] or a store's error, for example. It is for
// logs, not for clients.
func (e *Refusal) Unwrap() error { return e.cause }

// retrySoon is the Retry-After of a 503.
const retrySoon = time.Second

// The refusals that do not depend on the request are made once, so that a flood of bad keys allocates none.
var (
	refuseMissing   = &Refusal{Status: http.StatusUnauthorized, Reason: ReasonMissingKey}
	refuseMalformed = &Refusal{Status: http.StatusUnauthorized, Reason: ReasonMalformedKey, credential: true, cause: keys.ErrMalformed}
	refuseMisplaced = &Refusal{Status: http.StatusUnauthorized, Reason: ReasonMisplacedKey, credential: true}
	refuseOrigin    = &Refusal{Status: http.StatusForbidden, Reason: ReasonCrossOrigin}
	refuseNoPolicy  = &Refusal{Status: http.StatusServiceUnavailable, Reason: ReasonNoPolicy, RetryAfter: retrySoon}
	refusePanic     = &Refusal{Status: http.StatusInternalServerError, Reason: ReasonInternalError}
)

// storeError returns the 503 of a store that failed, which is never a verdict on the caller. If the client left
// during the call, the reason says so, and the store need not be examined.
func storeError(ctx context.Context, cause error) *Refusal {
	reason := ReasonStoreFailed
	if errors.Is(ctx.Err(), context.Canceled) {
		reason = ReasonClientGone
	}
	return &Refusal{Status: http.StatusServiceUnavailable, Reason: reason, RetryAfter: retrySoon, cause: cause}
}

// asError returns nil or a copy of e for use outside the package, since some refusals are shared.
func (e *Refusal) asError() error {
	if e == nil {
		return nil
	}
	own := *e
	return &own
}

// answerOf returns the refusal in err, or the one that an error of this library stands for.
func answerOf(ctx context.Context, err error) *Refusal {
	_, refused := errors.AsType[*Refusal](err)
	answered, ok := errors.AsType[interface {
		error
		Answer() (status int, code, detail string)
	}](err)
	switch {
	case refused || errors.Is(err, keys.ErrStore):
		return asRefusal(ctx, err)
	case ok:
		status, code, detail := answered.Answer()
		return &Refusal{Status: status, Reason: Reason(code), Detail: detail, cause: err}
	}
	return refuseKey(ctx, err)
}

// asRefusal returns the refusal in err. One with an unknown status is the host's mistake: 500. Any other error is a
// store error: 503.
func asRefusal(ctx context.Context, err error) *Refusal {
	if refusal, ok := errors.AsType[*Refusal](err); ok && refusal != nil {
		if problems[refusal.Status] == nil { // made by the host, without a status
			return refusePanic
		}
		return refusal
	}
	return storeError(ctx, err)
}
