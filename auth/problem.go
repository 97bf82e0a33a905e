package auth

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// Problem is the default of [Config.Profile]: an RFC 9457 problem document with the extra member "error", which holds
// Cockpit's short text, and for a 403 "permission", which names the missing permission. A 401 carries the
// WWW-Authenticate challenge of RFC 9110 section 11.6.1, in the words of RFC 6750. The member "detail" is
// [Refusal].Detail. Without a detail and a permission, all bodies of one status are equal.
func Problem(w http.ResponseWriter, _ *http.Request, refusal *Refusal) {
	writeProblem(w, refusal, problems[refusal.Status])
}

// writeProblem writes body, which is encoded already, unless the refusal has a permission or a detail, or body is nil.
func writeProblem(w http.ResponseWriter, refusal *Refusal, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	if refusal.Status == http.StatusUnauthorized {
		challenge := `Bearer realm="api"`
		if refusal.credential {
			challenge = `Bearer realm="api", error="invalid_token"`
		}
		h.Set("WWW-Authenticate", challenge)
	}
	setRetryAfter(h, refusal)
	if body == nil || refusal.Missing != "" || refusal.Detail != "" {
		body = problemBody(refusal)
	}
	w.WriteHeader(refusal.Status)
	_, _ = w.Write(body) // a client that has gone away does not need the answer
}

// setRetryAfter sets the header of a temporary refusal, in whole seconds, rounded up and at least one. See RFC 9110
// section 10.2.3.
func setRetryAfter(h http.Header, refusal *Refusal) {
	if refusal.Status != http.StatusTooManyRequests && refusal.Status != http.StatusServiceUnavailable {
		return
	}
	seconds := int64(refusal.RetryAfter / time.Second)
	if refusal.RetryAfter%time.Second > 0 {
		seconds++
	}
	h.Set("Retry-After", strconv.FormatInt(max(1, seconds), 10))
}

// problems holds the bodies that are equal for all requests, so that a flood of refusals encodes nothing.
var problems = func() map[int][]byte {
	bodies := map[int][]byte{}
	for _, status := range []int{400, 401, 403, 429, 500, 503} {
		bodies[status] = problemBody(&Refusal{Status: status})
	}
	return bodies
}()

func problemBody(refusal *Refusal) []byte {
	body, err := json.Marshal(struct {
		Type       string `json:"type"`
		Title      string `json:"title"`
		Status     int    `json:"status"`
		Detail     string `json:"detail,omitempty"`
		Error      string `json:"error"`
		Permission string `json:"permission,omitempty"`
	}{"about:blank", http.StatusText(refusal.Status), refusal.Status, refusal.Detail, refusal.Error(), refusal.Missing})
	if err != nil { // texts and a number always encode
		return nil
	}
	return append(body, '\n')
}
