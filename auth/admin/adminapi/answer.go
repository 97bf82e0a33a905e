package adminapi

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/publicapi"
)

// answer writes v as JSON.
func answer(w http.ResponseWriter, status int, v any) error {
	return write(w, status, "application/json", v)
}

// show answers with v, unless the operation that returned it failed.
func show(w http.ResponseWriter, v any, err error) error {
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, v)
}

// write writes v as JSON of a media type.
func write(w http.ResponseWriter, status int, media string, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", media)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)+1))
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the client may be gone, and gets no error then
	return nil
}

// A page is one part of a list.
type page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"` // where the next page begins; absent after the last
}

// eachOf returns what f makes of each element; never nil, so that JSON has a list.
func eachOf[A, B any](list []A, f func(*A) B) []B {
	made := make([]B, len(list))
	for i := range list {
		made[i] = f(&list[i])
	}
	return made
}

// A removal makes a change that needs no body and has no answer. match is the revision that the request requires, or "".
type removal func(r *http.Request, p auth.Principal, match admin.Tag) error

// serve is the operation of the removal.
func (f removal) serve(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	match, err := match(r)
	if err == nil {
		err = f(r, p, match)
	}
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// A problem is an RFC 9457 problem document, with the member "error" of the guard's.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	Error  string `json:"error"`

	Permission  string        `json:"permission,omitempty"`  // the first of Missing, as in the guard's refusals
	Missing     []string      `json:"missing,omitempty"`     // the permissions that the caller lacks
	Field       string        `json:"field,omitempty"`       // the member or parameter that is wrong
	Acknowledge []string      `json:"acknowledge,omitempty"` // the writes of Preview
	Preview     *exposureJSON `json:"preview,omitempty"`     // to confirm
	Usage       *usageJSON    `json:"usage,omitempty"`       // to confirm
}

func writeProblem(w http.ResponseWriter, p problem) {
	p.Type, p.Title = "about:blank", http.StatusText(p.Status)
	p.Error = cmp.Or(p.Error, p.Title)
	if write(w, p.Status, "application/problem+json", p) != nil {
		w.WriteHeader(p.Status)
	}
}

// refuse writes the answer to an error of an operation: here if it has more members than a refusal of the guard.
func (a *api) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var (
		refused = new(admin.Error)
		opening *publicapi.UnconfirmedError
	)
	errors.As(err, &refused)
	switch {
	case refused.Err == admin.ErrInput:
		input := invalid(clip(refused.Field), refused.Text)
		if a.guard.Format().Contains(refused.Field) { // the answer names an unknown member, but must not repeat a key
			input = invalid("", "the name of a member or parameter holds a key")
		}
		writeProblem(w, problem{Status: http.StatusBadRequest, Field: input.Field, Detail: sentence(input) + "."})
	case refused.Err == admin.ErrForbidden:
		a.forbid(w, r, refused)
	case errors.As(err, &opening):
		preview := exposureAsJSON(opening.Preview)
		writeProblem(w, problem{Status: http.StatusConflict, Acknowledge: opening.Preview.Writes, Preview: &preview,
			Detail: "This opens what the preview shows to callers without a key: repeat the request with its token, and acknowledge each of its writes."})
	case refused.Usage != nil:
		writeProblem(w, problem{Status: http.StatusConflict, Usage: usageAsJSON(refused.Usage),
			Detail: "The role is in use: repeat the request with this usage's confirm."})
	case errors.Is(err, errMedia):
		writeProblem(w, problem{Status: http.StatusUnsupportedMediaType, Detail: "Send the body with Content-Type: application/json."})
	default:
		a.guard.Refuse(w, r, err)
	}
}

func invalid(field, text string) *admin.Error {
	return &admin.Error{Err: admin.ErrInput, Field: field, Text: text}
}

// sentence returns the text of e with its field, if it has one.
func sentence(e *admin.Error) string {
	if e.Field == "" {
		return e.Text
	}
	return e.Field + " " + e.Text
}

// clip shortens a name that the client chose.
func clip(name string) string {
	for i := range name {
		if i > 64 {
			return name[:i] + "…"
		}
	}
	return name
}

// forbid answers with all missing permissions, where the guard's answer names one. The guard's observer gets the same
// event as for any refusal.
func (a *api) forbid(w http.ResponseWriter, r *http.Request, why *admin.Error) {
	refusal := &auth.Refusal{Status: http.StatusForbidden, Reason: auth.ReasonNotGranted}
	if len(why.Missing) > 0 {
		refusal.Missing = why.Missing[0]
	}
	a.guard.Refuse(discard{}, r, refusal)
	writeProblem(w, problem{Status: http.StatusForbidden, Error: refusal.Error(), Permission: refusal.Missing,
		Missing: why.Missing, Detail: "This is not permitted: " + why.Text + "."})
}

// discard is a ResponseWriter that drops the answer.
type discard http.Header

func (u discard) Header() http.Header          { return http.Header(u) }
func (discard) Write(text []byte) (int, error) { return len(text), nil }
func (discard) WriteHeader(int)                {}

// setETag sets the revision of the answered object.
func setETag(w http.ResponseWriter, revision admin.Tag) {
	w.Header().Set("ETag", `"`+string(revision)+`"`)
}

// match returns the revision that If-Match requires, or "" for any. It refuses a condition that it does not support: the
// change must not happen without it.
func match(r *http.Request) (admin.Tag, error) {
	if len(r.Header.Values("If-None-Match")) > 0 {
		return "", invalid("If-None-Match", "is not taken here")
	}
	lines := r.Header.Values("If-Match")
	if len(lines) == 0 {
		return "", nil
	}
	tag := strings.TrimSpace(lines[0])
	switch {
	case len(lines) > 1 || strings.Contains(tag, ","):
		return "", invalid("If-Match", "names more than one revision")
	case tag == "*":
		return "", nil
	case strings.HasPrefix(tag, "W/"): // a weak tag never matches: RFC 9110, section 13.1.1
		return "", admin.ErrChanged
	case len(tag) < 3 || tag[0] != '"' || tag[len(tag)-1] != '"':
		return "", invalid("If-Match", "is not an entity tag")
	}
	return admin.Tag(tag[1 : len(tag)-1]), nil
}
