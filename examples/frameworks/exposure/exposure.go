// Package exposure lists what callers reach, and compares the list with a file that people review: a file to copy into the
// tests of a program.
package exposure

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/authtest"
	"github.com/latchkey-go/latchkey/roles"
)

// A Caller is whose reach a [Surface] tells: callers without a key, or those with a key of a role.
type Caller struct {
	Role string // of callers without a key the public role, or "" while the public API is closed
	Key  bool
}

// A Surface is a part of an application, such as its routes or its GraphQL fields. Both functions return one line for each
// thing that the caller reaches: Declared from the rules, and Asked by asking the application itself, in a context that
// acts for the caller.
type Surface struct {
	Declared func(Caller) []string
	Asked    func(context.Context, Caller) []string
}

// Exposure keeps what callers reach in a file that people review: those without a key, then those of each role. The test
// fails if the file says something else, and if asking the application and its rules differ, either way. To write the
// file, run the test with LATCHKEY_EXPOSURE=write. The guard's roles and public role are those of this moment: test with
// the ones that you deploy.
func Exposure(t testing.TB, guard *auth.Guard, file string, appids []string, surfaces ...Surface) {
	t.Helper()
	anonymous, err := guard.Check(httptest.NewRequest(http.MethodGet, "/", nil))
	if refusal, ok := errors.AsType[*auth.Refusal](err); ok && refusal.Reason != auth.ReasonMissingKey { // that is the closed public API
		t.Errorf("exposure: which role is public is not known: %v (%s)", err, refusal.Reason)
	}
	callers := []Caller{{Role: anonymous.Role()}}
	for _, appid := range appids {
		if appid == roles.Admin || !guard.Policy().Has(appid) {
			t.Errorf("exposure: %q is no role whose reach can be listed", appid)
		}
		callers = append(callers, Caller{Role: appid, Key: true})
	}
	var lines []string
	for _, c := range callers {
		who, ctx := "without a key: ", t.Context()
		if c.Key {
			who, ctx = c.Role+": ", auth.NewContext(t.Context(), guard.PrincipalForRole(c.Role))
		}
		var reached []string
		for _, s := range surfaces {
			declared, asked := s.Declared(c), s.Asked(ctx, c)
			for _, line := range missing(declared, asked) {
				t.Errorf("exposure: %s%s is reached by its rules, and was refused when asked", who, line)
			}
			for _, line := range missing(asked, declared) {
				t.Errorf("exposure: %s%s is refused by its rules, and was reached when asked", who, line)
			}
			reached = append(append(reached, declared...), asked...)
		}
		slices.Sort(reached)
		for _, line := range slices.Compact(reached) {
			lines = append(lines, who+line)
		}
	}
	if os.Getenv("LATCHKEY_EXPOSURE") == "write" {
		if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
			t.Errorf("exposure: %v", err)
		}
		return
	}
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("exposure: %v", err)
	}
	reviewed := strings.Split(strings.TrimSpace(strings.ReplaceAll(string(text), "\r", "")), "\n")
	for _, line := range missing(lines, reviewed) {
		t.Errorf("exposure: %s does not have: %s", file, line)
	}
	for _, line := range missing(reviewed, lines) {
		t.Errorf("exposure: %s has what is not reached: %s", file, line)
	}
}

// missing returns the lines of a that b does not have.
func missing(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(line string) bool { return line == "" || slices.Contains(b, line) })
}

// Routes is the [Surface] of an HTTP handler with these routes: those of [auth.Guard.Routes], or of [authtest.SweepHandler]. If mux is
// not nil, its routes that no guard knows are on it too: callers reach them all. No guarded handler runs.
func Routes(guard *auth.Guard, handler http.Handler, mux *http.ServeMux, routes []auth.Route) Surface {
	needs := map[string][]auth.Route{} // by pattern; one is enough
	for _, route := range routes {
		needs[route.Pattern] = append(needs[route.Pattern], route)
	}
	if mux != nil {
		for _, pattern := range authtest.Patterns(mux) {
			if needs[pattern] == nil {
				needs[pattern] = []auth.Route{}
			}
		}
	}
	lines := func(c Caller, reached func(pattern string, values map[string]string) []auth.Route) []string {
		var lines []string
		for pattern, need := range needs {
			for _, values := range candidates(guard.Policy().Effective(c.Role), need) {
				if met := reached(pattern, values); met != nil {
					lines = append(lines, line(pattern, values, met))
				}
			}
		}
		slices.Sort(lines)
		return slices.Compact(lines)
	}
	return Surface{
		Declared: func(c Caller) []string {
			return lines(c, func(pattern string, values map[string]string) []auth.Route {
				need := needs[pattern]
				if len(need) == 0 || slices.ContainsFunc(need, func(n auth.Route) bool {
					permission := fill(braces, n.Permission, func(name string) string { return cmp.Or(values[name], authtest.Placeholder) })
					return n.Open || n.Key && c.Key || computed(n) || guard.Policy().Allows(c.Role, permission)
				}) {
					return need
				}
				return nil
			})
		},
		Asked: func(ctx context.Context, c Caller) []string {
			return lines(c, func(pattern string, values map[string]string) []auth.Route {
				requires := authtest.Required(guard, handler, pattern, values)
				if len(requires) == 0 || computed(requires[0]) {
					return requires
				}
				reached := false
				authtest.Ask(ctx, handler, pattern, values, func(_ []auth.Route, refusal error) { reached = refusal == nil })
				if !reached {
					return nil
				}
				return requires
			})
		},
	}
}

// computed reports whether a function of the program computes the permission. Who reaches the route is not known, so
// the list of each caller has it.
func computed(r auth.Route) bool { return !r.Open && !r.Key && r.Permission == "" }

// What stands for a value, in a permission and in the pattern of a route.
var (
	braces   = regexp.MustCompile(`\{[^/]*\}`)
	wildcard = regexp.MustCompile(`\{[^/]*\}|/[:*]\w*`)
)

// candidates returns values of the {name}s in the permissions of a route that a role with these grants may be asked for:
// any, and those in the grants.
func candidates(grants roles.Grants, need []auth.Route) []map[string]string {
	all := []map[string]string{nil}
	for _, n := range need {
		for grant := range grants {
			if values := namedIn(n.Permission, grant); len(values) > 0 {
				all = append(all, values)
			}
		}
	}
	return all
}

// namedIn returns the values that a grant has in the place of {name}s, or nil if it does not match the permission.
func namedIn(permission, grant string) map[string]string {
	values, granted := map[string]string{}, strings.Split(grant, "/")
	for i, segment := range strings.Split(permission, "/") {
		switch {
		case i >= len(granted):
			return nil
		case granted[i] == "**":
			return values
		case granted[i] == "*":
		case braces.MatchString(segment):
			values[strings.Trim(segment, "{}")] = granted[i]
		case granted[i] != segment:
			return nil
		}
	}
	return values
}

// line tells a route with its values, and what it requires.
func line(pattern string, values map[string]string, requires []auth.Route) string {
	var needs []string
	for _, r := range requires {
		switch {
		case r.Open:
			needs = append(needs, "open")
		case r.Key:
			needs = append(needs, "any key")
		default:
			needs = append(needs, cmp.Or(r.Permission, "a permission that is computed"))
		}
	}
	address := fill(wildcard, pattern, func(name string) string {
		if values[name] != "" {
			return "{" + name + "=" + values[name] + "}"
		}
		return "{" + name + "}"
	})
	return address + "  " + cmp.Or(strings.Join(needs, " or "), "NOT GUARDED")
}

// fill replaces the {name}s of a text, or what else stands for one.
func fill(names *regexp.Regexp, text string, value func(name string) string) string {
	return names.ReplaceAllStringFunc(text, func(s string) string {
		name, _, _ := strings.Cut(strings.Trim(s, "/{}.:*"), ":")
		if s[0] == '/' {
			return "/" + value(name)
		}
		return value(name)
	})
}
