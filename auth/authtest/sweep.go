package authtest

import (
	"cmp"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/latchkey-go/latchkey/auth"
)

// Sweep fails the test for each pattern of mux that was registered neither with guard.Handle nor with
// guard.HandleOpen, and for each that answers a bad key with anything but the guard's refusal. It sends only requests
// with a bad key, so no guarded handler runs. It does not look into a mux that is mounted in mux: sweep each.
//
// A ServeMux does not list its patterns, so Sweep reads them by reflection. If a later version of Go stores them
// elsewhere, the test fails and says so.
func Sweep(t testing.TB, guard *auth.Guard, mux *http.ServeMux) {
	t.Helper()
	if got := Patterns(sample()); !slices.Equal(got, samples) {
		t.Errorf("authtest: this version of Go stores a ServeMux's patterns elsewhere: of %q Sweep reads %q", samples, got)
		return
	}
	registered := Patterns(mux)
	if len(registered) == 0 {
		t.Errorf("authtest: nothing is registered in mux, so a sweep proves nothing")
		return
	}
	known := map[string]bool{}
	for _, route := range guard.Routes() {
		known[route.Pattern] = true
	}
	for _, pattern := range registered {
		if !known[pattern] {
			t.Errorf("authtest: %q is registered neither with Handle nor with HandleOpen, so no guard protects it", pattern)
			continue
		}
		r := request(pattern, nil)
		r.Header.Set("api-key", "a bad key")
		if _, met := mux.Handler(r); met != pattern {
			t.Errorf("authtest: %q cannot be tried: a request for %s %s matches %q", pattern, r.Method, r.URL.Path, met)
			continue
		}
		want := refused(guard, r.Clone(r.Context()))
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		if w.Code != want || w.Code < 400 || w.Code >= 500 {
			t.Errorf("authtest: %q answers a bad key with %d", pattern, w.Code)
		}
	}
}

// refused returns the status that the guard's profile gives to a bad key.
func refused(guard *auth.Guard, r *http.Request) int {
	_, err := guard.Check(r)
	w := httptest.NewRecorder()
	guard.Refuse(w, r, err)
	return w.Code
}

// samples has a pattern of each kind, to check the reflection.
var samples = []string{"/", "/tree/", "GET /rest/{rest...}", "GET /{$}", "GET /{id}", "POST example.com/exact"}

func sample() *http.ServeMux {
	mux := http.NewServeMux()
	for _, pattern := range samples {
		mux.HandleFunc(pattern, http.NotFound)
	}
	return mux
}

// Patterns returns the registered patterns, sorted.
func Patterns(mux *http.ServeMux) []string {
	var all []string
	index := reflect.ValueOf(mux).Elem().FieldByName("index")
	if !index.IsValid() {
		return nil
	}
	collect := func(list reflect.Value) {
		for i := range list.Len() {
			if text := list.Index(i).Elem().FieldByName("str"); text.IsValid() {
				all = append(all, text.String())
			}
		}
	}
	if segments := index.FieldByName("segments"); segments.IsValid() {
		for entries := segments.MapRange(); entries.Next(); {
			collect(entries.Value())
		}
	}
	if multis := index.FieldByName("multis"); multis.IsValid() {
		collect(multis)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// wildcard is what stands for a value in the pattern of a route: {id}, {id...}, {id:[0-9]+}, /:id, /*rest.
var wildcard = regexp.MustCompile(`\{[^/]*\}|/[:*]\w*`)

// Placeholder stands for a {name}. A literal pattern is unlikely to contain it.
const Placeholder = "latchkey-sweep"

// request makes a request that pattern matches. {name}s without a value get the Placeholder.
func request(pattern string, values map[string]string) *http.Request {
	method, address, ok := strings.Cut(pattern, " ")
	if !ok {
		method, address = http.MethodGet, pattern
	}
	address = strings.ReplaceAll(strings.TrimSpace(address), "{$}", "")
	address = wildcard.ReplaceAllStringFunc(address, func(s string) string {
		name, _, _ := strings.Cut(strings.Trim(s, "/{}.:*"), ":")
		value := cmp.Or(values[name], Placeholder)
		if s[0] == '/' {
			return "/" + value
		}
		return value
	})
	host, path, _ := strings.Cut(address, "/")
	r := httptest.NewRequest(method, "/"+path, nil)
	if host != "" {
		r.Host = host
	}
	return r
}
