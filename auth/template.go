package auth

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/latchkey-go/latchkey/roles"
)

// A template is a permission in which whole segments may be {name}, to be read from the route that matched.
type template struct {
	text     string
	segments []string // without braces
	named    []bool   // whether the segment is a {name}; nil for a literal permission
}

// parseTemplate reads a permission or template. Its error is a sentence.
func parseTemplate(text string) (template, error) {
	if roles.ValidPermission(text) {
		return template{text: text}, nil
	}
	t := template{text: text, segments: strings.Split(text, "/")}
	t.named = make([]bool, len(t.segments))
	filled := strings.Clone(text)
	for i, segment := range t.segments {
		inner, ok := strings.CutPrefix(segment, "{")
		if !ok {
			continue
		}
		name, ok := strings.CutSuffix(inner, "}")
		if !ok || name == "" || strings.ContainsAny(name, "{}.$") {
			return template{}, fmt.Errorf("auth: permission %q: %q is not a {name}", text, segment)
		}
		t.segments[i], t.named[i] = name, true
		filled = strings.Replace(filled, segment, "x", 1)
	}
	if !roles.ValidPermission(filled) {
		return template{}, fmt.Errorf("auth: permission %q is malformed", text)
	}
	return t, nil
}

// names returns the {name}s of the template.
func (t *template) names() []string {
	var names []string
	for i, named := range t.named {
		if named {
			names = append(names, t.segments[i])
		}
	}
	return names
}

// fill returns the permission for r. It fails if a value is not a valid segment: values are not normalised, so "a/b"
// and ".." never become part of a permission. If the value is "", it returns the {name}.
func (t *template) fill(r *http.Request, value func(*http.Request, string) string) (permission, empty string, ok bool) {
	if t.named == nil {
		return t.text, "", true
	}
	var stack [96]byte
	b := stack[:0]
	for i, segment := range t.segments {
		if i > 0 {
			b = append(b, '/')
		}
		if t.named[i] {
			name := segment
			if segment = value(r, name); segment == "" {
				return "", name, false
			}
			if !roles.ValidSegment(segment) {
				return "", "", false
			}
		}
		b = append(b, segment...)
	}
	return string(b), "", true
}

// hasName reports whether a route's pattern has this {name}, in the notation of net/http or chi.
func hasName(pattern, name string) bool {
	for _, end := range []string{"}", "...}", ":"} {
		if strings.Contains(pattern, "{"+name+end) {
			return true
		}
	}
	return false
}

// refuseUnfilled refuses a request whose route has no value for a {name} of its permission. The client cannot fix
// that, so the status is 500 and the text is for the host's developer.
func (t *template) refuseUnfilled(name string) *Refusal {
	return &Refusal{
		Status: http.StatusInternalServerError, Reason: ReasonNoPathValue,
		Detail: "The permission of this route needs the path value " + name + ", and the router has none. Write {" + name +
			"} in the route's pattern, or set Config.PathValue of package auth.",
		cause: fmt.Errorf("auth: permission %q: the router has no path value %q: write {%s} in the route's pattern, or set Config.PathValue", t.text, name, name),
	}
}

// refuseValue refuses a value of a {name} that is no segment.
func (t *template) refuseValue(p Principal) *Refusal {
	if !p.Authenticated() {
		return &Refusal{Status: http.StatusUnauthorized, Reason: ReasonBadPermission}
	}
	return &Refusal{Status: http.StatusForbidden, Reason: ReasonBadPermission, Missing: t.text, credential: true, key: p.KeyID()}
}

// pattern returns the template with "*" for every {name}, which matches every permission that it may become.
func (t *template) pattern() string {
	if t.named == nil {
		return t.text
	}
	segments := slices.Clone(t.segments)
	for i, named := range t.named {
		if named {
			segments[i] = "*"
		}
	}
	return strings.Join(segments, "/")
}
