package graphqlauth

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// The limits that [Secure] sets. GraphiQL's introspection query has 15 levels and some 150 fields.
const (
	MaxTokens = 10_000 // of a document, counted by the parser
	MaxDepth  = 20     // levels of fields in the selected operation, through fragments
	MaxFields = 10_000 // fields of the selected operation with every fragment written out where it is spread
)

// Secure sets what gqlgen leaves unlimited, against documents that cost more to answer than to send: [MaxTokens],
// [MaxDepth] and [MaxFields]. An operation beyond them is refused before anything runs, with the code and status of
// one that is not valid. So is a document for which validation would compare more than half a million times: it
// compares each field with all of the same name, each fragment with all others, and values with all around them, so
// that 700 fields of one name, or 350 spreads, are too many.
//
// It also turns off suggestions ("Did you mean …"), which tell names of the schema to anybody. For this and the
// comparisons it needs srv's SetValidationRulesFn: a host that calls it, too, takes both away.
//
// Root fields are counted by the [Extension]; see [WithMaxAliases]. How large a body may be, and how long a request may
// take, is the http.Server's to limit. Call it before other extensions are used, so that they never see what is
// refused: gqlgen's own complexity limit writes fragments out as they come.
func Secure(srv *handler.Server) {
	srv.SetParserTokenLimit(MaxTokens)
	srv.SetDisableSuggestion(true)
	srv.SetValidationRulesFn(validation)
	srv.Use(limits{})
}

// limits is an extension that measures operations.
type limits struct{}

func (limits) ExtensionName() string { return extensionName + "Limits" }

func (limits) Validate(graphql.ExecutableSchema) error { return nil }

func (limits) MutateOperationContext(_ context.Context, oc *graphql.OperationContext) *gqlerror.Error {
	m := measure{fragments: map[*ast.FragmentDefinition]extent{}}
	all := m.of(oc.Operation.SelectionSet)
	switch {
	case all.depth > MaxDepth:
		return tooMany("levels", MaxDepth)
	case all.fields > MaxFields:
		return tooMany("fields", MaxFields)
	}
	return nil
}

// An extent is how large a selection is. Numbers stop growing a little beyond the limits.
type extent struct{ depth, fields int }

// measure finds out the extent of each fragment once, so that it is linear in the document.
type measure struct {
	fragments map[*ast.FragmentDefinition]extent
}

func (m *measure) of(sels ast.SelectionSet) (all extent) {
	for _, sel := range sels {
		var one extent
		switch sel := sel.(type) {
		case *ast.Field:
			one = m.of(sel.SelectionSet)
			one.depth++
			one.fields++
		case *ast.InlineFragment:
			one = m.of(sel.SelectionSet)
		case *ast.FragmentSpread:
			one = m.fragment(sel.Definition)
		}
		all.depth = min(max(all.depth, one.depth), MaxDepth+1)
		all.fields = min(all.fields+one.fields, MaxFields+1)
	}
	return all
}

func (m *measure) fragment(f *ast.FragmentDefinition) extent {
	if f == nil {
		return extent{}
	}
	known, ok := m.fragments[f]
	if !ok {
		known = m.of(f.SelectionSet) // validation has refused circles
		m.fragments[f] = known
	}
	return known
}
