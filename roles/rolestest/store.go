// Package rolestest checks stores of roles against the contract of [roles.Store].
//
// A store's own tests call TestStore with a function that opens a new, empty store:
//
//	func TestStore(t *testing.T) {
//		rolestest.TestStore(t, func(t *testing.T) roles.Store { return openTestDatabase(t) })
//	}
//
// Each promise of the contract is a subtest, so that the name of what failed says what was promised.
package rolestest

import (
	"context"
	"slices"
	"testing"

	"github.com/latchkey-go/latchkey/internal/suite"
	"github.com/latchkey-go/latchkey/roles"
)

// TestStore checks each promise of [roles.Store] in its own subtest. It calls open once for each, with the
// subtest, for a new, empty store; what open needs to clean up it can leave to t.Cleanup. Subtests do not run
// in parallel with each other.
func TestStore(t *testing.T, open func(t *testing.T) roles.Store) {
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) { p.check(t, open(t)) })
	}
}

// promises are all that a store promises, each with its check.
var promises = slices.Concat(contents, revisions, borders)

type promise struct {
	name  string
	check func(t reporter, s roles.Store)
}

type reporter = suite.TB

var background = context.Background()
