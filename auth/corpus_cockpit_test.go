package auth_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// underCockpit are the entries that end in another way under Cockpit's profile than what asCockpit makes of their
// expectation: as the fixture whose key stands first, or refused. A listed case that ends as expected fails too.
var underCockpit = map[string]struct{ expect, as, reason string }{
	"CARR-11":  {"accept", "USR", "the query is a source"},
	"CARR-15":  {"accept", "USR", "the query is a source, and comes first: the header's junk is well spelt, and not asked"},
	"CARR-24":  {"accept", "USR", "the query comes first"},
	"MULTI-11": {"accept", "USR", "the header comes before Bearer"},
	"MULTI-12": {"accept", "USR", "the header comes before Bearer"},
	"MULTI-13": {"accept", "USR", "the header comes before Bearer"},

	"CARR-19": {"412", "", "where a key may stand in the query, its name as an array is a key shown in a wrong way"},
	"CARR-20": {"412", "", "the same"},
	"CARR-21": {"412", "", "the same, behind what other servers take for a separator"},
}

// asCockpit is how Cockpit's profile says what an entry expects of the default one.
func asCockpit(expect string) string {
	switch expect {
	case "400", "401":
		return "412"
	}
	return expect
}

func TestHostileCorpusUnderCockpitsProfile(t *testing.T) {
	entries, rs, _ := readCorpus(t)
	s := newScene(t, rs, false)
	seen := map[string]bool{}
	for _, e := range entries {
		t.Run(e.ID+"/"+e.Name, func(t *testing.T) {
			want := asCockpit(e.Expect)
			other, differs := underCockpit[e.ID]
			if differs {
				require.NotEqual(t, want, other.expect, "is no difference: %s", other.reason)
				want, seen[e.ID] = other.expect, true
			}
			for _, fault := range faults[e.Fault] {
				x := &expander{keys: s.keys}
				raw, err := x.bytes(&e)
				require.NoError(t, err)
				a := s.send(t, s.at(t, stage{publicOff: e.Public == "off", fault: fault, cockpit: true}), raw)
				got := cockpitOutcome(&a)
				if got != want {
					t.Errorf("%s outcome %s, want %s (%s) %s", fault, got, want, e.Why, other.reason)
				}
				by := x.whole // the keys that it may be by
				if other.as != "" {
					by = []string{other.as}
				}
				if got == "accept" && !slices.ContainsFunc(by, func(name string) bool { return s.keys[name].id == a.attached.KeyID() }) {
					t.Errorf("principal %q is of none of %v", a.attached, by)
				}
				for _, what := range s.cockpitPromises(&a) {
					t.Error(what)
				}
			}
		})
	}
	require.Len(t, seen, len(underCockpit))
	s.close()
	t.Run("canary", s.canary)
}

// cockpitOutcome is outcome for answers of the profile. What net/http's parser refuses, no profile sees.
func cockpitOutcome(a *answer) string {
	if a.status == 412 || !a.arrived && a.status == 400 {
		return "412"
	}
	return outcome(a)
}

var cockpitBodies = map[int]string{
	412: `{"error":"Authentication failed"}`, 403: `{"error":"Permission denied"}`, 503: `{"error":"Service unavailable"}`,
}

// cockpitPromises is promises for Cockpit's profile.
func (s *scene) cockpitPromises(a *answer) (wrong []string) {
	add := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if names := s.leaks(a.raw); names != nil {
		add("the answer holds a secret of %v", names)
	}
	if !a.arrived {
		return wrong
	}
	if vary := a.header.Values("Vary"); !slices.Equal(vary, []string{"Api-Key, Authorization"}) {
		add("Vary: %q", vary)
	}
	if cc := a.header.Values("Cache-Control"); !slices.Equal(cc, []string{"no-store"}) {
		add("Cache-Control: %q", cc)
	}
	if a.status < 400 || a.status == 404 || a.status == 405 {
		return wrong
	}
	want, ok := cockpitBodies[a.status]
	if !ok || a.body != want || a.header.Get("Content-Length") != strconv.Itoa(len(want)) {
		add("status %d with body %q", a.status, a.body)
	}
	if ct := a.header.Get("Content-Type"); ct != "application/json" {
		add("Content-Type: %q", ct)
	}
	if challenge := a.header.Values("WWW-Authenticate"); challenge != nil {
		add("WWW-Authenticate: %q", challenge)
	}
	if (a.status == 503) != (a.header.Get("Retry-After") != "") {
		add("Retry-After: %q", a.header.Get("Retry-After"))
	}
	if a.handled || strings.Contains(a.raw, errCorpusStore.Error()) {
		add("a handler ran, or the store was heard")
	}
	return wrong
}
