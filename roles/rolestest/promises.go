package rolestest

import (
	"context"
	"slices"

	"github.com/latchkey-go/latchkey/internal/suite"
	"github.com/latchkey-go/latchkey/roles"
)

// promises are all that a store promises, each with its check.
var promises = slices.Concat(contents, revisions, borders)

type promise struct {
	name  string
	check func(t reporter, s roles.Store)
}

type reporter = suite.TB

var background = context.Background()
