package console

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/latchkey-go/latchkey/auth"
)

// errKey refuses callers who present a key.
var errKey = errors.New("console: a key was presented")

// authenticate sets v.who to the signed-in user, or returns why the request is refused.
func (v *visit) authenticate() error {
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

// turnAway answers a request that authenticate refused.
func (v *visit) turnAway(err error) {
	var refusal *auth.Refusal
	switch {
	case errors.Is(err, errKey):
		v.message(http.StatusForbidden, "These pages are for people", "Sign in to use them. Keys are for the JSON API.")
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
		v.message(http.StatusUnauthorized, "You are not signed in", "Sign in first. If you are, your account may have been deactivated.")
	default:
		v.fail(err)
	}
}

// next returns this page as a path with its query, to return to after the sign-in; "" if there is no page to return to.
// The target of a request may be a whole address, which could name another host.
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
