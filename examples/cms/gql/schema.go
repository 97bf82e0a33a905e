package gql

import (
	"fmt"
	"regexp"
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
scalar NumericType

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

// schemaOf makes the schema of models.
func schemaOf(models []content.Model) (*ast.Schema, error) {
	var sdl strings.Builder
	sdl.WriteString(fixed)
	for _, m := range models {
		if !goodName.MatchString(m.Name) {
			continue
		}
		name := m.Name + suffix
		if m.Type == content.Singleton {
			fmt.Fprintf(&sdl, "extend type Query { %s(%s): %s }\n", name, single, name)
		} else {
			fmt.Fprintf(&sdl, "extend type Query { %s(_id: String, %s, projection: String, filter: JsonType): [%s] }\n", name, listed, name)
		}
		fmt.Fprintf(&sdl, "type %s {\n_id: String _state: Int _cby: String _created: Int _mby: String _modified: Int\n", name)
		if m.Type == content.Tree {
			sdl.WriteString("_o: Int _pid: String\n")
		}
		seen := map[string]bool{}
		for _, f := range m.Fields {
			if goodName.MatchString(f.Name) && !seen[f.Name] {
				seen[f.Name] = true
				fmt.Fprintf(&sdl, "%s: %s\n", f.Name, typeOf(f))
			}
		}
		sdl.WriteString("}\n")
	}
	return gqlparser.LoadSchema(&ast.Source{Name: "models", Input: sdl.String()})
}

// typeOf is the type of a field's values. All are nullable: items may be older than their model.
func typeOf(f content.Field) string {
	name := "JsonType"
	switch f.Type {
	case "text", "code", "color", "date", "datetime", "wysiwyg", "time", "select":
		name = "String"
	case "boolean":
		name = "Boolean"
	case "number":
		name = "NumericType"
	case "tags":
		name = "[String]"
	}
	if f.Multiple {
		return "[" + name + "]"
	}
	return name
}
