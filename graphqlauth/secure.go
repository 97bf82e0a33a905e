package graphqlauth

import (
	"context"
	"math"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// The limits of Secure, which its comment repeats. GraphiQL's introspection query has 15 levels and about 150 fields.
const (
	maxTokens = 10_000 // of a document, counted by the parser
	maxDepth  = 20     // levels of fields in the selected operation, through fragments
	maxFields = 10_000 // fields of the selected operation with every fragment written out where it is spread
)

// Secure sets limits that gqlgen leaves open, against documents that cost more to answer than to send: 10,000 tokens,
// 20 levels of fields, and 10,000 fields with every fragment written out where it is spread. An operation beyond them
// is refused before it runs, with the code and status of an invalid one. So is a document for which validation would
// make more than half a million comparisons: it compares each field with all of the same name, each fragment with all
// others, and values with all around them, so that 700 fields of one name, or 350 spreads, are too many.
//
// gqlgen decodes the arguments of a field again for each object that the field is on. What is decoded more than once
// is limited to 4 MiB for an operation: 140 objects of a list with a variable of 30 KB, or 40,000 with one of 100 bytes.
//
// It also turns off suggestions ("Did you mean …"), which reveal names of the schema. For this and the comparisons it
// uses srv's SetValidationRulesFn: a host that calls that function afterwards removes both.
//
// The [Extension] limits root fields; see [WithMaxAliases]. The http.Server limits the size of a body and the time of
// a request. Call Secure before other extensions are used, so that they do not see refused documents: gqlgen's own
// complexity limit expands fragments without a bound.
func Secure(srv *handler.Server) {
	srv.SetParserTokenLimit(maxTokens)
	srv.SetDisableSuggestion(true)
	srv.SetValidationRulesFn(validation)
	srv.Use(limits{})
}

// limits is the extension that measures operations.
type limits struct{}

func (limits) ExtensionName() string { return extensionName + "Limits" }

func (limits) Validate(graphql.ExecutableSchema) error { return nil }

func (limits) MutateOperationContext(_ context.Context, oc *graphql.OperationContext) *gqlerror.Error {
	d := newDecoding(oc)
	all := (&measure{arguments: &d}).of(oc.Operation.SelectionSet)
	switch {
	case all.depth > maxDepth:
		return tooMany("levels", maxDepth)
	case all.fields > maxFields:
		return tooMany("fields", maxFields)
	}
	return d.limitTo(oc, all.bytes)
}

// A size is what a selection costs. All but the bytes of its arguments stop growing just beyond the limits.
type size struct{ depth, fields, roots, bytes int }

// A measure measures selections, with every fragment written out where it is spread. It measures each fragment once, so
// it is linear in the document.
type measure struct {
	fields    map[*ast.FieldDefinition]*field // to count those on root types, or nil
	arguments *decoding                       // or nil
	known     map[*ast.FragmentDefinition]size
}

func (m *measure) of(sels ast.SelectionSet) (all size) {
	for _, sel := range sels {
		var one size
		switch sel := sel.(type) {
		case *ast.Field:
			one = m.of(sel.SelectionSet)
			one.depth++
			one.fields++
			if f := m.fields[sel.Definition]; f != nil && f.typ.root {
				one.roots++
			}
			one.bytes += m.arguments.of(sel)
		case *ast.InlineFragment:
			one = m.of(sel.SelectionSet)
		case *ast.FragmentSpread:
			var known bool
			if one, known = m.known[sel.Definition]; !known && sel.Definition != nil {
				one = m.of(sel.Definition.SelectionSet) // validation has refused cycles
				if m.known == nil {
					m.known = map[*ast.FragmentDefinition]size{}
				}
				m.known[sel.Definition] = one
			}
		}
		all.depth = min(max(all.depth, one.depth), maxDepth+1)
		all.fields = min(all.fields+one.fields, maxFields+1)
		all.roots = min(all.roots+one.roots, maxFields+1)
		all.bytes = min(all.bytes+one.bytes, math.MaxInt32)
	}
	return all
}

// validation returns gqlgen's validation rules for one document, without suggestions: SetDisableSuggestion leaves them
// in names of arguments, types and input fields, and in values of enums. The two rules whose cost is quadratic run
// only if the document is within maxComparisons.
func validation() *rules.Rules {
	r := rules.NewDefaultRules()
	r.ReplaceRule(rules.KnownArgumentNamesRule.Name, rules.KnownArgumentNamesRuleWithoutSuggestions.RuleFunc)
	r.ReplaceRule(rules.KnownTypeNamesRule.Name, rules.KnownTypeNamesRuleWithoutSuggestions.RuleFunc)
	r.RemoveRule(rules.ValuesOfCorrectTypeRule.Name)
	r.ReplaceRule(rules.OverlappingFieldsCanBeMergedRule.Name, func(observers *core.Events, addError core.AddErrFunc) {
		begun := false
		observers.OnOperation(func(w *core.Walker, _ *ast.OperationDefinition) {
			if begun { // with another operation of the document
				return
			}
			begun = true
			if comparisonsIn(w.Document) > maxComparisons {
				addError(core.Message("the document repeats too much"))
				return
			}
			costly := &core.Events{}
			rules.ValuesOfCorrectTypeRuleWithoutSuggestions.RuleFunc(costly, addError)
			rules.OverlappingFieldsCanBeMergedRule.RuleFunc(costly, addError)
			core.Walk(w.Schema, w.Document, costly)
		})
	})
	return r
}

// maxComparisons bounds the comparisons of validation to some tenths of a second. One field repeated for 10,000 tokens
// takes gqlparser half a minute.
const maxComparisons = 500_000

// comparisonsIn returns an upper bound of the comparisons that validation makes: fields with the same response name
// with each other, fragments with each other, and each value again for each value around it. The latter two cost a few
// times as much. It is linear in the document.
func comparisonsIn(doc *ast.QueryDocument) int {
	c := comparisons{fields: map[string]int{}}
	for _, op := range doc.Operations {
		c.directives(op.Directives)
		for _, v := range op.VariableDefinitions {
			c.directives(v.Directives)
			c.value(v.DefaultValue, 1)
		}
		c.selection(op.SelectionSet)
	}
	for _, f := range doc.Fragments {
		c.directives(f.Directives)
		c.selection(f.SelectionSet)
	}
	sum := 4*c.spreads*c.spreads + 2*c.values
	for _, n := range c.fields {
		sum += n * n
	}
	return sum
}

type comparisons struct {
	fields  map[string]int // by response name
	spreads int
	values  int // the sum of the depths of all values
}

func (c *comparisons) selection(sels ast.SelectionSet) {
	for _, sel := range sels {
		switch sel := sel.(type) {
		case *ast.Field:
			c.fields[sel.Alias]++
			c.directives(sel.Directives)
			c.arguments(sel.Arguments)
			c.selection(sel.SelectionSet)
		case *ast.InlineFragment:
			c.directives(sel.Directives)
			c.selection(sel.SelectionSet)
		case *ast.FragmentSpread:
			c.directives(sel.Directives)
			c.spreads++
		}
	}
}

func (c *comparisons) directives(list ast.DirectiveList) {
	for _, d := range list {
		c.arguments(d.Arguments)
	}
}

func (c *comparisons) arguments(list ast.ArgumentList) {
	for _, arg := range list {
		c.value(arg.Value, 1)
	}
}

func (c *comparisons) value(v *ast.Value, depth int) {
	if v == nil {
		return
	}
	c.values += depth
	for _, child := range v.Children {
		c.value(child.Value, depth+1)
	}
}
