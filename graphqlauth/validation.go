package graphqlauth

import (
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// validation are gqlgen's own rules of validation, for one document. They suggest nothing: SetDisableSuggestion leaves
// in the names of arguments, types and input fields, and values of enums. Those two whose cost grows with the square
// of the document look only at one that is within maxComparisons.
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

// maxComparisons is how many comparisons validation may make: some tenths of a second at the worst. The 10,000 tokens of
// one field written again and again take gqlparser half a minute.
const maxComparisons = 500_000

// comparisonsIn estimates, from above, the comparisons that validation makes in a document: fields that could answer
// under one name with each other, fragments with each other, and each value again for each one around it. The latter
// two cost a few times as much. It is linear in the document.
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
	fields  map[string]int // by the name in the answer
	spreads int
	values  int // the depths of all values
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
