// Package graphqlauthtest helps hosts test that their GraphQL server is guarded: a sweep asks for every coordinate
// with a rule, without a key, and finds a server that does not use the extension.
package graphqlauthtest

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/graphqlauth"
	"github.com/latchkey-go/latchkey/roles"
)

// Config says what a [Sweep] expects. Schema is required.
type Config struct {
	// Schema is the server's: NewExecutableSchema(…).Schema(). It cannot be read from a server without a key.
	Schema *ast.Schema
	// Options are those of the server's graphqlauth.New.
	Options []graphqlauth.Option
	// Guard is the server's: a bad key must be answered as its Profile answers it. Nil: with 401.
	Guard *auth.Guard

	// Public is the public role, and Policy the policy that has it, for a server whose public API is open: the
	// coordinates of graphqlauth.Exposure are not tried then. Zero: it is closed.
	Policy *roles.Policy
	Public string

	// Values are the values of arguments and input fields, by coordinate, as GraphQL literals: "Query.node(id:)":
	// {`"post-1"`, `"secret-1"`}. Several are tried one after the other, until the coordinate can be refused. Other
	// arguments get a value of their type, if they are needed.
	Values map[string][]string
	// Skip are coordinates that are not tried.
	Skip []string
}

// timeout bounds one request: a subscription that is not refused may be silent.
const timeout = 10 * time.Second

// Sweep sends srv one operation for each coordinate of the schema with a rule or the default, without a credential,
// and fails the test for each that is not refused as [graphqlauth.Extension] does: the field is null, and there is an
// error with its coordinate or with a guarded one on the path to it. So it fails if the server does not use the
// extension, with or without hooks, and if the server's options differ. It also fails if a bad key is not answered as
// the guard answers it.
//
// srv is the whole server, graphqlauth.Handler included. It must accept JSON in a POST to any path.
//
// The path to a coordinate is the one with the fewest other rules. If it has none, resolvers run, and the field can be
// refused only if there is an object that has it: give the server test data, and [Config] the Values to find it. A
// coordinate that could not be tried fails too; Skip is for those that cannot be helped. If a mutation is not guarded,
// the sweep runs it: never sweep a server with real data.
func Sweep(t testing.TB, srv http.Handler, c Config) {
	t.Helper()
	if c.Schema == nil {
		t.Fatalf("graphqlauthtest: Sweep needs the server's schema")
	}
	s := newSurvey(c)
	for _, coordinate := range c.Skip {
		if !s.denied[coordinate] {
			t.Errorf("graphqlauthtest: %s is to be skipped, and is nothing that would be tried", coordinate)
		}
	}
	tried := 0
	for _, coordinate := range slices.Sorted(maps.Keys(s.denied)) {
		if slices.Contains(c.Skip, coordinate) {
			continue
		}
		a := s.attempt(coordinate, 0)
		if a == nil {
			t.Logf("graphqlauthtest: no operation leads to %s", coordinate)
			continue
		}
		if tried++; tried == 1 {
			if status, want := send(t, srv, a.query, badKey).Code, refused(c.Guard); status != want || status < 400 || status >= 500 {
				t.Errorf("graphqlauthtest: a bad key is answered with %d: graphqlauth.Handler is not in place", status)
			}
		}
		answer := send(t, srv, a.query, "").Body.Bytes()
		what, final := a.failure(answer)
		for round := 1; !final && round < a.rounds; round++ {
			a = s.attempt(coordinate, round)
			answer = send(t, srv, a.query, "").Body.Bytes()
			what, final = a.failure(answer)
		}
		if what != "" {
			t.Errorf("graphqlauthtest: %s: %s\n\tasked    %s\n\tanswered %.300s", coordinate, what, a.query, answer)
		}
	}
	if tried == 0 {
		t.Errorf("graphqlauthtest: nothing is guarded, so a sweep proves nothing")
	}
}

const badKey = "API-no-such-key"

// refused returns the status that the guard's profile gives to a bad key.
func refused(guard *auth.Guard) int {
	if guard == nil {
		return http.StatusUnauthorized
	}
	r := httptest.NewRequest(http.MethodPost, "/graphql", nil)
	r.Header.Set("Api-Key", badKey)
	_, err := guard.Check(r)
	w := httptest.NewRecorder()
	guard.Refuse(w, r, err)
	return w.Code
}

// send sends a query without a key, or with one.
func send(t testing.TB, srv http.Handler, query, key string) *httptest.ResponseRecorder {
	t.Helper()
	sent, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		t.Fatalf("graphqlauthtest: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/graphql", bytes.NewReader(sent))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	if key != "" {
		r.Header.Set("Api-Key", key)
	}
	w := httptest.NewRecorder()
	srv.ServeHTTP(w, r)
	return w
}

// failure returns the failure that an answer shows, or "". It is not final if other values could prove more.
func (a *attempt) failure(body []byte) (what string, final bool) {
	var answer struct {
		Data   any
		Errors []struct {
			Extensions struct {
				Code, Coordinate string
				Also             []string
			}
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return "is not answered as GraphQL is", true
	}
	if holds(answer.Data, a.keys) {
		return "is ANSWERED to a caller without a key", true
	}
	what = "is not proved: nothing was found to refuse it on; give Sweep other Values, or the server data"
	for _, e := range answer.Errors {
		blamed := append(e.Extensions.Also, e.Extensions.Coordinate)
		onTheWay := slices.ContainsFunc(blamed, func(coordinate string) bool { return a.guarded[coordinate] })
		switch code := e.Extensions.Code; {
		case code == graphqlauth.CodeUnauthenticated && onTheWay:
			return "", true
		case code == graphqlauth.CodeUnauthenticated || code == graphqlauth.CodeForbidden:
			what = "is refused, and not by the extension for a rule on it or on the way to it"
		}
	}
	return what, false
}

// holds reports whether there is a value at the end of a path, in any object of a list.
func holds(value any, path []string) bool {
	if list, ok := value.([]any); ok && len(path) > 0 {
		return slices.ContainsFunc(list, func(item any) bool { return holds(item, path) })
	}
	if len(path) == 0 {
		return value != nil
	}
	object, _ := value.(map[string]any)
	return object != nil && holds(object[path[0]], path[1:])
}
