package rolestest

import (
	"context"
	"slices"

	"github.com/latchkey-go/latchkey/roles"
)

// promises are all that a store promises, each with its check.
var promises = slices.Concat(contents, revisions, borders)

type promise struct {
	name  string
	check func(t reporter, s roles.Store)
}

// reporter is what a promise needs of a *testing.T.
type reporter interface {
	Helper()
	Context() context.Context
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}
