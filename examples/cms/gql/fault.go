package gql

import (
	"errors"
	"net/http"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/examples/cms/content"
	"github.com/latchkey-go/latchkey/graphqlauth"
)

// A fault says why a root field has no value.
type fault struct {
	text       string
	code       string // in the error's extensions
	permission string // the missing permission, if the caller may know it
	status     int    // of the whole response; 0 changes nothing
	denied     bool
	quiet      bool // reported as in Cockpit, only by status and data
	cause      error
}

func (f *fault) Error() string { return f.text }

func (f *fault) Unwrap() error { return f.cause }

// The codes that package graphqlauth does not have.
const (
	codeNotFound = "NOT_FOUND"
	codeInput    = "BAD_USER_INPUT"
)

// report records the error of a root field. forbidden is Cockpit's status for a missing permission.
func (r *run) report(err error, forbidden int) *fault {
	f := r.faultOf(err, forbidden)
	switch {
	case f == nil:
		r.outcome.storeErr = err
		return &fault{}
	case f.quiet:
		r.outcome.status = f.status
		return f
	case f.denied:
		r.denied++
		if r.status == 0 {
			r.status = f.status
		}
	default:
		r.granted++ // the permission was granted; the field failed for another reason
	}
	extensions := map[string]any{"code": f.code}
	if f.permission != "" {
		extensions["permission"] = f.permission
	}
	r.answer.fail(&gqlerror.Error{Message: f.text, Extensions: extensions})
	return f
}

// faultOf returns nil if a store failed.
func (r *run) faultOf(err error, forbidden int) *fault {
	var own *fault
	var refusal *auth.Refusal
	var parameter *content.ParameterError
	switch {
	case errors.As(err, &own):
		if own.code == "" {
			own.code = codeInput
		}
		return own
	case errors.As(err, &refusal) && refusal.Status >= http.StatusInternalServerError:
		return nil
	case errors.As(err, &refusal):
		f := &fault{text: refusal.Error(), code: graphqlauth.CodeForbidden, status: refusal.Status, permission: refusal.Missing, denied: true}
		if refusal.Status == http.StatusUnauthorized {
			f.code = graphqlauth.CodeUnauthenticated
		}
		if r.LikeCockpit {
			f.text, f.status, f.quiet = "Permission denied", forbidden, true
		}
		return f
	case errors.Is(err, content.ErrNotFound):
		return &fault{text: "Item not found", code: codeNotFound, status: http.StatusNotFound, quiet: r.LikeCockpit}
	case errors.As(err, &parameter):
		return &fault{text: err.Error(), code: codeInput}
	case errors.Is(err, content.ErrTooMany):
		return &fault{text: "Too many items: ask for fewer with limit", code: codeInput}
	case errors.Is(err, content.ErrState):
		return &fault{text: "<_state> is not 1, 0 or -1", code: codeInput}
	case errors.Is(err, content.ErrConflict):
		return &fault{text: "Another writer is changing this item", code: "CONFLICT"}
	}
	return nil
}
