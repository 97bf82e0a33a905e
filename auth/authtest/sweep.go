package authtest

import (
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
// guard.Open, and for each that answers a bad key with anything but a refusal. It sends requests that carry a
// bad key and nothing else, so no guarded handler runs.
//
// A ServeMux does not tell its patterns, so Sweep reads them by reflection; if a later version of Go keeps
// them elsewhere, it fails the test and says so.
func Sweep(t testing.TB, guard *auth.Guard, mux *http.ServeMux) {
	t.Helper()
	registered := patterns(mux)
	known := map[string]bool{}
	for _, route := range guard.Routes() {
		known[route.Pattern] = true
	}
	found := 0
	for _, pattern := range registered {
		if !known[pattern] {
			t.Errorf("authtest: %q is registered neither with Handle nor with Open: whoever calls it is not asked", pattern)
			continue
		}
		found++
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, request(pattern))
		if w.Code != http.StatusUnauthorized && w.Code != http.StatusBadRequest {
			t.Errorf("authtest: %q answers a bad key with %d", pattern, w.Code)
		}
	}
	if found == 0 && len(known) > 0 {
		t.Errorf("authtest: of %d routes none was found in mux: it is another mux, or this version of Go keeps its patterns elsewhere", len(known))
	}
}

// patterns reads what was registered, in order of text.
func patterns(mux *http.ServeMux) []string {
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

var wildcard = regexp.MustCompile(`\{[^}]*\}`)

// request makes a request that pattern matches, with a bad key.
func request(pattern string) *http.Request {
	method, address, ok := strings.Cut(pattern, " ")
	if !ok {
		method, address = http.MethodGet, pattern
	}
	address = strings.ReplaceAll(strings.TrimSpace(address), "{$}", "")
	host, path, _ := strings.Cut(wildcard.ReplaceAllString(address, "x"), "/")
	r := httptest.NewRequest(method, "/"+path, nil)
	if host != "" {
		r.Host = host
	}
	r.Header.Set("api-key", "a bad key")
	return r
}
