package console

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// An alert says why a change was not made, and what the user can do about it.
type alert struct {
	Title, Text    string
	Field          string // the wrong input, if any
	List           []string
	Page, PageText string // a page about it, if any
	Again          []typedField
}

// refuse answers with a page that holds only an alert.
func (v *visit) refuse(status int, a *alert) {
	v.status, v.alert = status, nil
	if err := v.show("refused", a.Title, a); err != nil {
		http.Error(v.w, a.Title, status)
	}
}

// errForm is the answer to a form that cannot be read.
var errForm = errors.New("console: malformed form")

// explain returns the status and the words for an error. An unknown error is a store error: 503, without its text.
func (v *visit) explain(err error) (status int, a *alert) {
	var (
		why      = new(admin.Error)
		opening  *publicapi.UnconfirmedError
		refusal  *auth.Refusal
		tooLarge *http.MaxBytesError
	)
	errors.As(err, &why)
	switch {
	case why.Err == admin.ErrInput:
		return http.StatusBadRequest, &alert{Title: "This cannot be saved", Field: why.Field, Text: "The field " + label(why.Field) + " " + strings.TrimSuffix(why.Text, ".") + "."}
	case why.Err == admin.ErrForbidden:
		return http.StatusForbidden, refused(why)
	case why.Usage != nil:
		return http.StatusConflict, &alert{Title: "Not deleted yet",
			Text: "The keys or users with this role have changed since you looked. See below what its deletion changes now, and confirm again."}
	case errors.As(err, &opening):
		return http.StatusConflict, v.unconfirmed(opening)
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge, &alert{Title: "That is too much", Text: "The form is larger than this page takes. Nothing was done."}
	case errors.Is(err, roles.ErrBudget):
		return http.StatusUnprocessableEntity, &alert{Title: "This is too complex to check",
			Text: "Comparing this access with yours would take too long, so nothing was done. Use fewer or simpler patterns with * and **."}
	case errors.Is(err, errForm):
		return http.StatusBadRequest, &alert{Title: "This cannot be read", Text: "The form did not arrive as it should. Nothing was done; go back and try again."}
	case errors.Is(err, admin.ErrChanged):
		return http.StatusConflict, &alert{Title: "Another change came first",
			Text: "This has changed since you opened it, so nothing was done. Look at its current state, and decide again."}
	case errors.Is(err, admin.ErrNotFound):
		return http.StatusNotFound, &alert{Title: "This is not here", Text: "It may have been removed meanwhile, or the address is mistyped."}
	case errors.Is(err, admin.ErrConflict):
		return http.StatusConflict, &alert{Title: "This is not possible now",
			Text: "The present state does not allow it, so nothing was done. Another user may have changed it meanwhile: look at its current state."}
	case errors.Is(err, audit.ErrNotListed):
		return http.StatusNotFound, &alert{Title: "This log is written elsewhere", Text: "Changes are recorded, but this log cannot be read back here."}
	case errors.As(err, &refusal) && refusal.Status == http.StatusTooManyRequests:
		return refusal.Status, &alert{Title: "That was too fast", Text: "Nothing was done. Wait a little, then try again."}
	case errors.As(err, &refusal) && refusal.Status < http.StatusInternalServerError:
		return refusal.Status, &alert{Title: "You may not do this", Text: sentence(refusal.Error())}
	}
	return http.StatusServiceUnavailable, &alert{Title: "This cannot be answered now",
		Text: "Something that is needed for it does not answer. Nothing is known to be wrong with what you asked for: try again in a moment."}
}

// refused names the permissions that the user lacks.
func refused(err *admin.Error) *alert {
	a := &alert{Title: "You may not do this", Text: sentence(err.Text), List: err.Missing}
	if len(err.Missing) > 0 {
		a.Text += " Ask a manager of roles for what your role lacks:"
	}
	return a
}

// fail answers with a page about an error.
func (v *visit) fail(err error) {
	status, a := v.explain(err)
	wait := time.Duration(0)
	if refusal, ok := errors.AsType[*auth.Refusal](err); ok {
		wait = refusal.RetryAfter
	}
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		v.w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(wait.Seconds())))))
		a.Again = typed(v.w, v.r)
	}
	v.refuse(status, a)
}

// sentence returns text with a capital first and a full stop last.
func sentence(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + strings.TrimSuffix(text[size:], ".") + "."
}

// label returns the name that the pages have for a field of package admin.
func label(field string) string {
	if name, ok := map[string]string{"allowed_ips": "Addresses", "expires_at": "Expires", "inherits": "Inherits from"}[field]; ok {
		return name
	}
	return strings.TrimSuffix(sentence(field), ".")
}
