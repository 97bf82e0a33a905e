package graphqlauth

import (
	"maps"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
)

// A Mode says what happens to an operation of which a part is denied.
type Mode uint8

const (
	ModePartial Mode = iota // denied fields are null, with one error for each coordinate; the rest is answered
	ModeReject              // the whole operation is refused and does not run
)

// DefaultMaxAliases is the number of root fields that an operation may have without [WithMaxAliases].
const DefaultMaxAliases = 50

// An Option changes an [Extension], and the reports of [Coverage], [Exposure] and [Lint] about one.
type Option func(*config)

// A directiveReader returns the rule of a directive in the schema.
type directiveReader func(*ast.Directive) (Rule, error)

type config struct {
	open          bool
	modes         map[ast.Operation]Mode
	directives    map[string]directiveReader
	own           []string // names given to WithDirective
	foreign       []string // names given to WithForeignDirective
	introspection Rule
	maxAliases    int
	recheck       time.Duration // see WithRecheck
}

func newConfig(opts []Option) *config {
	c := &config{
		modes:         map[ast.Operation]Mode{ast.Query: ModePartial, ast.Mutation: ModeReject, ast.Subscription: ModeReject},
		directives:    maps.Clone(builtin),
		introspection: RequireKey(),
		maxAliases:    DefaultMaxAliases,
	}
	for _, opt := range opts {
		opt(c)
	}
	return c
}

// WithInsecureDefault lets every caller reach root fields without a rule, for adopting the rules step by step. Without
// it such a field needs a valid key, unless it is @public.
func WithInsecureDefault() Option { return func(c *config) { c.open = true } }

// WithMode sets the mode of these kinds of operation, or of all if none is named. Without it queries are
// [ModePartial], mutations and subscriptions [ModeReject].
func WithMode(m Mode, operations ...ast.Operation) Option {
	if len(operations) == 0 {
		operations = []ast.Operation{ast.Query, ast.Mutation, ast.Subscription}
	}
	return func(c *config) {
		for _, kind := range operations {
			c.modes[kind] = m
		}
	}
}

// WithDirective makes a directive of the host's schema, such as @hasRole, a rule. f is called once for each place
// where the schema has it; an error is a mistake that stops the program. A built-in directive of this name loses its
// meaning. The directive's hook can be [Cleared].
func WithDirective(name string, f func(*ast.Directive) (Rule, error)) Option {
	return func(c *config) {
		c.directives[name] = f
		c.own = append(c.own, name)
	}
}

// WithIntrospection sets the rule of __schema, __type and federation's _service. Without it: [RequireKey]. It only
// guards them: gqlgen answers them if its own extension for introspection is used.
func WithIntrospection(r Rule) Option { return func(c *config) { c.introspection = r } }

// WithMaxAliases sets how many root fields an operation may have, counted as written, __typename included. Fields of a
// root type that another field returns, such as viewer: Query, count wherever they are, __typename excepted. Without it:
// [DefaultMaxAliases]. Zero or less is no limit.
func WithMaxAliases(n int) Option { return func(c *config) { c.maxAliases = n } }
