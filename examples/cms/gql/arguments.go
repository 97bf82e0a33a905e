package gql

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/latchkey-go/latchkey/examples/cms/content"
	"github.com/latchkey-go/latchkey/examples/cms/content/json5"
)

// arguments are the arguments of a field, as JSON whose members keep the order of the query: the order of sort
// matters.
type arguments struct {
	Options    content.Options
	Model      string
	ID         string
	Parent     string
	Data       content.Item
	Deprecated bool // for introspection
	Name       string
}

// argumentsOf reads the arguments of a field. Its error may be sent to the client.
func argumentsOf(field *ast.Field, vars map[string]any) (a arguments, err error) {
	for _, definition := range field.Definition.Arguments {
		value := definition.DefaultValue
		if written := field.Arguments.ForName(definition.Name); written != nil {
			value = written.Value
		}
		if value == nil {
			continue
		}
		if definition.Name == "sort" && orderless(value, vars) {
			return a, errors.New("argument \"sort\": a variable has no order: write the fields into the query")
		}
		var text bytes.Buffer
		if err := write(&text, value, vars); err != nil {
			return a, fmt.Errorf("argument %q is not valid", definition.Name)
		}
		if err := a.take(definition, text.Bytes()); err != nil {
			return a, fmt.Errorf("argument %q is not valid", definition.Name)
		}
	}
	return a, nil
}

func (a *arguments) take(definition *ast.ArgumentDefinition, text []byte) error {
	to := a.place(definition.Name)
	if definition.Name == "data" && !bytes.HasPrefix(text, []byte("{")) {
		return nil // as in Cockpit, a text is no data
	}
	if definition.Type.NamedType == "JsonType" {
		var err error
		if text, err = spelt(text); err != nil {
			return err
		}
	}
	if to == nil || len(text) == 0 || string(text) == "null" {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	return decoder.Decode(to)
}

// place returns the destination of an argument; nil if it is ignored, such as projection in Cockpit.
func (a *arguments) place(name string) any {
	return map[string]any{
		"model": &a.Model, "_id": &a.ID, "id": &a.ID, "parent": &a.Parent, "data": &a.Data,
		"filter": &a.Options.Filter, "sort": &a.Options.Sort, "fields": &a.Options.Fields,
		"limit": &a.Options.Limit, "skip": &a.Options.Skip, "populate": &a.Options.Populate, "locale": &a.Options.Locale,
		"includeDeprecated": &a.Deprecated, "name": &a.Name,
	}[name]
}

// spelt decodes JSON5 in a string. An empty string is no value.
func spelt(written []byte) ([]byte, error) {
	var text string
	if len(written) == 0 || written[0] != '"' {
		return written, nil
	}
	if err := json.Unmarshal(written, &text); err != nil || text == "" {
		return nil, err
	}
	return json5.Convert(text)
}

// orderless reports whether a value is an object of several members whose order is lost.
func orderless(value *ast.Value, vars map[string]any) bool {
	if value.Kind != ast.Variable {
		return false
	}
	members, _ := vars[value.Raw].(map[string]any)
	return len(members) > 1
}

// write writes a value as JSON.
func write(to *bytes.Buffer, value *ast.Value, vars map[string]any) error {
	switch value.Kind {
	case ast.Variable:
		return quote(to, vars[value.Raw])
	case ast.StringValue, ast.BlockValue, ast.EnumValue:
		return quote(to, value.Raw)
	case ast.ListValue:
		to.WriteByte('[')
		for i, child := range value.Children {
			if i > 0 {
				to.WriteByte(',')
			}
			if err := write(to, child.Value, vars); err != nil {
				return err
			}
		}
		to.WriteByte(']')
	case ast.ObjectValue:
		to.WriteByte('{')
		for i, child := range value.Children {
			if i > 0 {
				to.WriteByte(',')
			}
			if err := quote(to, child.Name); err != nil {
				return err
			}
			to.WriteByte(':')
			if err := write(to, child.Value, vars); err != nil {
				return err
			}
		}
		to.WriteByte('}')
	default: // numbers, booleans and null have the same spelling in JSON
		to.WriteString(value.Raw)
	}
	return nil
}

func quote(to *bytes.Buffer, value any) error {
	text, err := json.Marshal(value)
	to.Write(text)
	return err
}
