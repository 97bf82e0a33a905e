package auth_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
)

// outcome says how a request ended, in the words of the corpus: a refusal by its status, anything else by what
// the server itself saw.
func outcome(a *answer) string {
	switch {
	case slices.Contains([]int{400, 401, 403, 503}, a.status):
		return strconv.Itoa(a.status)
	case a.handled && a.attached.Authenticated() && a.status == 200:
		return "accept"
	case a.passed && a.attached.Kind() == auth.KindPublic && (a.handled || a.status == 404 || a.status == 405):
		return "anonymous"
	}
	return fmt.Sprintf("status %d for %q", a.status, a.attached)
}

// judge says what is wrong with the answer to an entry. shown are the fixtures of which the request holds the
// whole key.
func (s *scene) judge(e *entry, a *answer, shown []string) (wrong []string) {
	add := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if got := outcome(a); got != e.Expect {
		add("outcome %s, want %s", got, e.Expect)
	}
	if e.Status != 0 && a.status != e.Status {
		add("status %d, want %d", a.status, e.Status)
	}
	switch e.Expect {
	case "accept":
		mine := func(name string) bool { return s.keys[name].id == a.attached.KeyID() }
		if !slices.ContainsFunc(shown, mine) {
			add("principal %q is of no key that was shown", a.attached)
		}
	case "anonymous":
		if a.attached.Role() != "viewer" || a.attached.KeyID()+a.attached.UserID() != "" {
			add("anonymous is %q with role %q", a.attached, a.attached.Role())
		}
	}
	if e.Fault != "" && a.passed {
		add("it went on to the mux in spite of the fault")
	}
	limit := int64(1) // one look-up serves any request
	if e.StoreCalls != nil {
		limit = *e.StoreCalls
	}
	if a.finds > limit {
		add("%d look-ups, want at most %d", a.finds, limit)
	}
	return wrong
}

// promises says which promises of the design an answer breaks that hold whatever is asked. silent says that
// the request could show nothing of ours.
func (s *scene) promises(a *answer, silent bool) (wrong []string) {
	add := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if names := s.leaks(a.raw); names != nil {
		add("the answer holds a secret of %v", names)
	}
	if !a.arrived { // the words of net/http's parser
		if a.status != 400 {
			add("status %d without a guard", a.status)
		}
		return wrong
	}
	vary := strings.Join(a.header.Values("Vary"), ", ")
	if !strings.Contains(vary, "Api-Key") || !strings.Contains(vary, "Authorization") {
		add("Vary: %q", vary)
	}
	if cc := a.header.Values("Cache-Control"); !slices.Equal(cc, []string{"no-store"}) {
		add("Cache-Control: %q", cc)
	}
	if a.handled && a.handler != a.attached {
		add("the handler saw %q, attached was %q", a.handler, a.attached)
	}
	if a.status < 400 || a.status == 404 || a.status == 405 {
		return wrong
	}

	if a.handled {
		add("a handler ran for status %d", a.status)
	}
	if ct := a.header.Get("Content-Type"); ct != "application/problem+json" {
		add("Content-Type: %q", ct)
	}
	var problem struct {
		Status                    int
		Error, Permission, Detail string
	}
	if err := json.Unmarshal([]byte(a.body), &problem); err != nil || problem.Status != a.status || problem.Error == "" {
		add("body %q", a.body)
	}
	if named := problem.Permission != ""; named != (a.status == 403) {
		add("permission %q named in a %d", problem.Permission, a.status)
	}
	// The detail tells which rule was broken. It never tells why a key in an accepted place is bad.
	body := strings.Replace(a.body, fmt.Sprintf(`"detail":%q,`, problem.Detail), "", 1)
	if first, ok := s.bodies[a.status]; !ok {
		s.bodies[a.status] = body
	} else if a.status != 403 && first != body {
		add("body %q differs from another %d: %q", body, a.status, first)
	}
	challenge := a.header.Get("WWW-Authenticate")
	switch {
	case (a.status == 401) != strings.HasPrefix(challenge, "Bearer "):
		add("WWW-Authenticate: %q", challenge)
	case a.status == 401 && silent == strings.Contains(challenge, "error="):
		add("WWW-Authenticate: %q; RFC 6750 section 3.1 wants an error code if, and only if, something was shown", challenge)
	case (a.status == 503) != (a.header.Get("Retry-After") != ""):
		add("Retry-After: %q", a.header.Get("Retry-After"))
	}
	if strings.Contains(a.raw, errCorpusStore.Error()) {
		add("the answer tells what the store said")
	}
	return wrong
}

// canary looks for secrets in all that was logged while the corpus ran, by the observer and by net/http.
func (s *scene) canary(t *testing.T) {
	logged := s.log.String()
	require.Empty(t, s.leaks(logged), "keys of which a secret is in the log")
	require.Contains(t, logged, s.keys["USR"].id, "the ID is no secret and should be there")
	require.Contains(t, logged, errCorpusStore.Error(), "the observer hears what a store said")
	require.EqualValues(t, s.arrived.Load(), strings.Count(logged, `"msg":"latchkey"`), "one event a request")
	for name, f := range s.keys {
		for _, form := range forms(f.text) {
			require.Equal(t, []string{name}, s.leaks(logged+form), "the canary is blind to a form of %s", name)
		}
	}
}
