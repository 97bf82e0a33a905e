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
	"github.com/latchkey-go/latchkey/roles"
)

// An alert says why something was not done, and what can be done about it.
type alert struct {
	Title, Text    string
	Field          string // the input that is wrong, if it is one
	List           []string
	Page, PageText string // where to look at it, if anywhere
}

// trouble answers with a page that says why there is nothing else to see.
func (v *visit) trouble(status int, title, text string) {
	p := page{Heading: title, Body: text}
	if err := v.show(status, "trouble", p); err != nil {
		http.Error(v.w, title, status)
	}
}

// errForm is the answer to a form that cannot be read.
var errForm = errors.New("console: malformed form")

// explain says what became of a request: a status and words for people. What it does not know is trouble with a
// store: 503, without its text.
func explain(err error) (status int, a alert) {
	var (
		why      = new(admin.Error)
		refusal  *auth.Refusal
		tooLarge *http.MaxBytesError
	)
	errors.As(err, &why)
	switch {
	case why.Err == admin.ErrInput:
		return http.StatusBadRequest, alert{Title: "This cannot be saved", Field: why.Field, Text: "The field " + label(why.Field) + " " + strings.TrimSuffix(why.Text, ".") + "."}
	case why.Err == admin.ErrForbidden:
		return http.StatusForbidden, refused(why)
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge, alert{Title: "That is too much", Text: "The form is larger than this page takes. Nothing was done."}
	case errors.Is(err, roles.ErrBudget):
		return http.StatusUnprocessableEntity, alert{Title: "This is too complex to check",
			Text: "Comparing this access with yours would take too long, so nothing was done. Use fewer or simpler patterns with * and **."}
	case errors.Is(err, errForm):
		return http.StatusBadRequest, alert{Title: "This cannot be read", Text: "The form did not arrive as it should. Nothing was done; go back and try again."}
	case errors.Is(err, admin.ErrChanged):
		return http.StatusConflict, alert{Title: "Somebody else was faster",
			Text: "This has changed since you opened it, so nothing was done. Look at it as it is now, and decide again."}
	case errors.Is(err, admin.ErrNotFound):
		return http.StatusNotFound, alert{Title: "This is not here", Text: "It may have been removed meanwhile, or the address is mistyped."}
	case errors.Is(err, admin.ErrConflict):
		return http.StatusConflict, alert{Title: "This is not possible now",
			Text: "The present state does not allow it, so nothing was done. Somebody may have changed it meanwhile: look at it as it is now."}
	case errors.Is(err, audit.ErrNotListed):
		return http.StatusNotFound, alert{Title: "This log is written elsewhere", Text: "Changes are recorded, but this log cannot be read back here."}
	case errors.As(err, &refusal) && refusal.Status == http.StatusTooManyRequests:
		return refusal.Status, alert{Title: "That was too fast", Text: "Nothing was done. Wait a little, then try again."}
	case errors.As(err, &refusal) && refusal.Status < http.StatusInternalServerError:
		return refusal.Status, alert{Title: "You may not do this", Text: sentence(refusal.Error())}
	}
	return http.StatusServiceUnavailable, alert{Title: "This cannot be answered now",
		Text: "Something that is needed for it does not answer. Nothing is known to be wrong with what you asked for: try again in a moment."}
}

// refused says what somebody lacks.
func refused(err *admin.Error) alert {
	a := alert{Title: "You may not do this", Text: sentence(err.Text), List: err.Missing}
	if len(err.Missing) > 0 {
		a.Text += " Ask somebody who manages roles for what yours lacks:"
	}
	return a
}

// fail answers with a page about an error.
func (v *visit) fail(err error) {
	status, a := explain(err)
	wait := time.Duration(0)
	if refusal, ok := errors.AsType[*auth.Refusal](err); ok {
		wait = refusal.RetryAfter
	}
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		v.w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(wait.Seconds())))))
	}
	p := page{Heading: a.Title, Body: a}
	if err := v.show(status, "refused", p); err != nil {
		http.Error(v.w, a.Title, status)
	}
}

// retry shows a page again, as it is now, with the reason why nothing was done. Trouble is no page's own.
func (v *visit) retry(err error, show func(status int, why *alert) error) error {
	status, why := explain(err)
	if status == http.StatusServiceUnavailable || status == http.StatusNotFound {
		return err
	}
	if again := show(status, &why); again != nil {
		return err // the page itself is not for this user, or is gone
	}
	return nil
}

// sentence begins with a capital and ends with a full stop.
func sentence(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + strings.TrimSuffix(text[size:], ".") + "."
}

// label is what the pages call a field of the admin package.
func label(field string) string {
	if name, ok := map[string]string{"allowed_ips": "Addresses", "expires_at": "Expires", "inherits": "Inherits from"}[field]; ok {
		return name
	}
	return strings.TrimSuffix(sentence(field), ".")
}
