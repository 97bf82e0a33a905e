package graphqlauth

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/latchkey-go/latchkey/roles"
)

// A Rule says which callers pass. The zero Rule refuses every caller.
type Rule struct {
	valid bool
	key   bool         // a valid key or sign-in, not the public role
	needs [][][]string // each must hold: all permissions of at least one of its lists
}

// Require is the rule that the caller has all these permissions. Text in braces, as in content/{model}/read, is the
// value of the field's argument of that name, a String, an ID or an enum, exactly as written: if a resolver accepts 01
// for 1, or POSTS for posts, a caller denied content/1/read may reach the object as 01. Without permissions every
// caller is refused.
func Require(permissions ...string) Rule {
	return RequireScopes([][]string{permissions})
}

// RequireScopes is the rule that the caller has all permissions of at least one of these lists, as in @requiresScopes.
// With no list, or with an empty one, every caller is refused.
func RequireScopes(scopes [][]string) Rule {
	if len(scopes) == 0 || slices.ContainsFunc(scopes, func(all []string) bool { return len(all) == 0 }) {
		return Rule{}
	}
	own := make([][]string, len(scopes))
	for i, all := range scopes {
		own[i] = slices.Clone(all)
	}
	return Rule{valid: true, needs: [][][]string{own}}
}

// RequireKey is the rule that the caller is authenticated by a valid key or the host's own sign-in. The public role is
// not enough.
func RequireKey() Rule { return Rule{valid: true, key: true} }

// Anyone is the rule that every caller satisfies, even without a key and without a public role.
func Anyone() Rule { return Rule{valid: true} }

// A permission is a permission in a rule, or a template with names of arguments in braces.
type permission struct {
	text     string
	segments []string // of a template, without braces
	named    []bool   // whether the segment is the name of an argument; nil for a plain permission
}

// parsePermission parses a permission or a template. Its error is the end of a sentence.
func parsePermission(text string) (permission, error) {
	p := permission{text: text}
	if roles.ValidPermission(text) {
		return p, nil
	}
	segments := strings.Split(text, "/")
	named := make([]bool, len(segments))
	filled := make([]string, len(segments))
	for i, segment := range segments {
		filled[i] = segment
		if inner, ok := strings.CutPrefix(segment, "{"); ok {
			name, ok := strings.CutSuffix(inner, "}")
			if !ok || name == "" || strings.ContainsAny(name, "{}") {
				return p, fmt.Errorf("%q is no {argument}", segment)
			}
			segments[i], named[i], filled[i] = name, true, "x"
		}
	}
	if !roles.ValidPermission(strings.Join(filled, "/")) {
		return p, fmt.Errorf("%q is no permission", text)
	}
	p.segments, p.named = segments, named
	return p, nil
}

// maxNamedValue is the longest argument that an error may repeat inside a permission. It is shorter than any issued
// key, because a caller may have put a key there.
const maxNamedValue = 40

// fill appends the permission that a template becomes with the field's arguments to b. speakable reports whether an
// error may name it. ok is false if an argument is missing, null, or not one valid segment: "a/b" and ".." never
// become part of a permission.
func (p *permission) fill(b []byte, node *ast.Field, vars map[string]any) (filled []byte, speakable, ok bool) {
	speakable = true
	for i, segment := range p.segments {
		if i > 0 {
			b = append(b, '/')
		}
		if p.named[i] {
			value, ok := argumentText(node, segment, vars)
			if !ok || !roles.ValidSegment(value) {
				return nil, false, false
			}
			segment = value
			speakable = speakable && len(value) <= maxNamedValue
		}
		b = append(b, segment...)
	}
	return b, speakable, true
}

// argumentText returns the text that the resolver gets for a String, an ID or an enum. An enum in a variable must be
// spelled as in the schema: gqlparser accepts any case, and the bound Go type decides what the resolver gets.
func argumentText(node *ast.Field, name string, vars map[string]any) (string, bool) {
	def := node.Definition.Arguments.ForName(name)
	if def == nil {
		return "", false
	}
	value := def.DefaultValue
	if arg := node.Arguments.ForName(name); arg != nil {
		if arg.Value.Kind != ast.Variable {
			value = arg.Value
		} else if sent, ok := vars[arg.Value.Raw]; ok {
			text, ok := variableText(sent)
			enum := arg.Value.Definition
			return text, ok && enum != nil && (enum.Kind != ast.Enum || enum.EnumValues.ForName(text) != nil)
		}
	}
	if value == nil {
		return "", false
	}
	switch value.Kind {
	case ast.StringValue, ast.BlockValue, ast.EnumValue:
		return value.Raw, true
	case ast.IntValue: // of an ID
		n, err := strconv.ParseInt(value.Raw, 10, 64)
		return strconv.FormatInt(n, 10), err == nil
	}
	return "", false
}

func variableText(sent any) (string, bool) {
	switch v := sent.(type) {
	case string:
		return v, true
	case json.Number: // where a String or an ID was sent as a number
		return v.String(), true
	case int64: // an ID as gqlparser coerces it
		return strconv.FormatInt(v, 10), true
	case int:
		return strconv.Itoa(v), true
	}
	return "", false
}
