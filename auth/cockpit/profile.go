package cockpit

import (
	"io"
	"math"
	"net/http"
	"strconv"

	"github.com/latchkey-go/latchkey/auth"
)

// Configure returns c with all that clients of Cockpit need: refusals look like [Profile], and a key may stand in the
// query as api_key, in the header api-key or behind Bearer. If several of these hold one well-formed key each, only
// the first in this order counts. A malformed credential in any of them is refused. Everything else of c is unchanged.
//
// It is for moving over, not for new APIs. Keys in addresses end up in logs, histories and Referer headers (RFC 6750
// section 5.3), and the author of a link can choose the key that it is opened with. So keep the query out of access logs,
// let StripCredentials take the key out of what handlers see, and drop Configure once no client needs it.
func Configure(c auth.Config) auth.Config {
	c.Profile = Profile
	c.Sources |= auth.SourceAPIKeyHeader | auth.SourceBearer | auth.SourceInsecureQuery
	c.InsecureFirstWins = true
	return c
}

// Profile is a profile for [auth.Config] that answers as Cockpit does, with a short text alone: 412 in place of 400 and
// 401, and 403 where a permission is missing, also for callers without a key. The answer names neither the permission nor
// the reason why a key is refused: all its 412 are the same, byte for byte.
//
// There is no WWW-Authenticate, and no Retry-After beside a 429. Two answers that Cockpit does not have keep their
// status: 503 with Retry-After for a store error, and 500.
func Profile(w http.ResponseWriter, _ *http.Request, refusal *auth.Refusal) {
	status, body := answer(refusal)
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Del("Retry-After") // the guard's
	if status == http.StatusServiceUnavailable {
		h.Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(refusal.RetryAfter.Seconds())))))
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // the client may be gone, and gets no error then
}

func answer(refusal *auth.Refusal) (status int, body string) {
	status = refusal.Status
	ofPublicRole := refusal.Reason == auth.ReasonNotGranted || refusal.Reason == auth.ReasonBadPermission
	if status == http.StatusUnauthorized && ofPublicRole { // the caller presented no bad key
		status = http.StatusForbidden
	}
	text := (&auth.Refusal{Status: status}).Error()
	switch {
	case status == http.StatusBadRequest || status == http.StatusUnauthorized:
		status, text = http.StatusPreconditionFailed, "Authentication failed"
	case http.StatusText(status) == "": // the host's mistake
		status = http.StatusServiceUnavailable
	}
	return status, `{"error":"` + text + `"}`
}

// CORS puts Cockpit's cross-origin headers on every answer of next, and answers OPTIONS on any address with an empty
// 200 before a key is required: preflights carry none. It goes outside the guard, around the API alone, since
// next never sees an OPTIONS request.
//
// Pages of every origin may read the answers of next to requests with a key or without. CORS does not allow credentials,
// and next must not either: browsers refuse "*" together with them, so pages elsewhere read nothing by a visitor's
// cookie.
func CORS(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Allow-Headers", allowedHeaders)
		h.Set("Access-Control-Allow-Methods", allowedMethods)
		if r.Method == http.MethodOptions {
			h.Set("Content-Type", "application/json; charset=UTF-8")
			w.WriteHeader(http.StatusOK)
			return
		}
		next.ServeHTTP(w, r)
	})
}

const (
	allowedHeaders = "X-Requested-With, Content-Type, Origin, Cache-Control, Pragma, Authorization, Accept, Accept-Encoding, API-KEY"
	allowedMethods = "PUT, POST, GET, OPTIONS, DELETE"
)
