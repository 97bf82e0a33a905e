package console

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/latchkey-go/latchkey/auth"
)

// errKey is the answer to callers who show a key.
var errKey = errors.New("console: a key was shown")

// enter finds out who asks, and lets in who is signed in.
func (v *visit) enter() error {
	p, err := v.guard.Check(v.r)
	switch {
	case err != nil:
		return err
	case p.Kind() == auth.KindPublic:
		return &auth.Refusal{Status: http.StatusUnauthorized, Reason: auth.ReasonMissingKey}
	case p.Kind() != auth.KindSignedIn:
		return errKey
	}
	v.who = p
	return nil
}

// turnAway answers who may not enter.
func (v *visit) turnAway(err error) {
	var refusal *auth.Refusal
	switch {
	case errors.Is(err, errKey):
		v.trouble(http.StatusForbidden, "These pages are for people", "Sign in to use them. Keys are for the JSON API.")
	case !errors.As(err, &refusal):
		v.fail(err)
	case refusal.Reason == auth.ReasonMissingKey && v.SignIn != "":
		to := *v.signIn
		if next := v.next(); next != "" {
			q := to.Query()
			q.Set("next", next)
			to.RawQuery = q.Encode()
		}
		v.w.Header().Set("Location", to.String())
		v.w.WriteHeader(http.StatusSeeOther)
	case refusal.Status == http.StatusUnauthorized:
		v.trouble(http.StatusUnauthorized, "You are not signed in", "Sign in first. If you are, your account may have been deactivated.")
	default:
		v.fail(err)
	}
}

// next is where to go after the sign-in: this page, as a path with its query. It is "" where there is none to come
// back to. The target of a request may be a whole address, so that whoever sends it could name another host.
func (v *visit) next() string {
	if v.r.Method != http.MethodGet && v.r.Method != http.MethodHead {
		return ""
	}
	target, err := url.ParseRequestURI(v.r.RequestURI)
	if err != nil {
		return ""
	}
	next := target.RequestURI()
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.Contains(next, `\`) {
		return ""
	}
	return next
}
