package gql

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/latchkey-go/latchkey/examples/cms/content"
)

// The arguments of lists, with Cockpit's defaults.
const (
	listed = `limit: Int, skip: Int, sort: JsonType, locale: String = "default", populate: Int = 0`
	single = `locale: String = "default", populate: Int = 0`
)

const fixed = `
scalar JsonType

type Mutation {
	saveContentItem(model: String!, data: JsonType!): saveContentItemOutput
	deleteContentItem(model: String!, id: String!): deleteContentItemOutput
}
type saveContentItemOutput { item: JsonType error: String }
type deleteContentItemOutput { success: Boolean error: String }

type Query {
	content(model: String!, ` + listed + `, fields: JsonType, filter: JsonType): [JsonType]
	contentTree(model: String!, parent: String, ` + single + `, fields: JsonType): [JsonType]
}
`

// suffix is appended to a model's name for its field and type.
const suffix = "Model"

var goodName = regexp.MustCompile(`^[A-Za-z][_0-9A-Za-z]*$`)

// schemaOf makes the schema of models: those with lists first, as in Cockpit.
func schemaOf(models []content.Model) (*ast.Schema, error) {
	b := builder{names: map[string]int{}}
	b.WriteString(fixed)
	for _, alone := range []bool{false, true} {
		for _, m := range models {
			if goodName.MatchString(m.Name) && (m.Type == content.Singleton) == alone {
				b.model(m)
			}
		}
	}
	if strings.Contains(b.String(), "NumericType") {
		b.WriteString("scalar NumericType\n")
	}
	return gqlparser.LoadSchema(&ast.Source{Name: "models", Input: b.String()})
}

// A builder writes a schema.
type builder struct {
	strings.Builder
	names map[string]int // how many types have a name already
}

func (b *builder) model(m content.Model) {
	name, required := m.Name+suffix, "!"
	if m.Type == content.Singleton {
		required = ""
		fmt.Fprintf(b, "extend type Query { %s(%s): %s }\n", name, single, name)
	} else {
		fmt.Fprintf(b, "extend type Query { %s(_id: String, %s, projection: String, filter: JsonType): [%s] }\n", name, listed, name)
	}
	own := strings.ReplaceAll("_id: String! _state: Int! _cby: String! _created: Int! _mby: String! _modified: Int!\n", "!", required)
	if m.Type == content.Tree {
		own += "_o: Int! _pid: String\n"
	}
	fields, types := b.fields(m.Fields)
	fmt.Fprintf(b, "type %s {\n%s%s}\n%s", name, own, fields, types)
}

// fields returns the fields of a type, and the types of the sets among them.
func (b *builder) fields(fields []content.Field) (list, types string) {
	seen := map[string]bool{}
	for _, f := range fields {
		if !goodName.MatchString(f.Name) || seen[f.Name] {
			continue
		}
		seen[f.Name] = true
		name := typeOf(f)
		if f.Type == "set" {
			set, inner := b.set(f)
			if set != "" {
				name = set
			}
			types += inner
		}
		if f.Required {
			name += "!"
		}
		if f.Multiple {
			name = "[" + name + "]"
		}
		list += f.Name + ": " + name + "\n"
	}
	return list, types
}

// set returns the name of the type of a set, such as SetDims or SetDims1, and its definition; "" if it has no fields.
func (b *builder) set(f content.Field) (name, types string) {
	name = "Set" + strings.ToUpper(f.Name[:1]) + f.Name[1:]
	n := b.names[name]
	b.names[name]++
	if n > 0 {
		name += strconv.Itoa(n)
	}
	fields, inner := b.fields(f.Opts.Fields)
	if fields == "" {
		return "", ""
	}
	return name, fmt.Sprintf("type %s {\n%s}\n%s", name, fields, inner)
}

// typeOf is the type of a field's single value.
func typeOf(f content.Field) string {
	switch f.Type {
	case "text", "code", "color", "date", "datetime", "wysiwyg", "time", "select":
		if f.Opts.Multiple && f.Type == "select" {
			return "[String]"
		}
		return "String"
	case "boolean":
		return "Boolean"
	case "number":
		return "NumericType"
	case "tags":
		return "[String]"
	}
	return "JsonType"
}
