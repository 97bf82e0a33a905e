package pages

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/latchkey-go/latchkey/examples/cms/content"
)

// An input is one field of an item in a form.
type input struct {
	Name, Label, Kind, Value string // Kind is one of fieldTypes, or "json"
	Checked                  bool
}

// whole is the single input of an item whose model lists no fields.
const whole = "document"

// inputs returns the inputs of an item's form.
func inputs(m content.Model, item content.Item) []input {
	if len(m.Fields) == 0 {
		own := content.Item{}
		for field, value := range item {
			if !strings.HasPrefix(field, "_") {
				own[field] = value
			}
		}
		return []input{{Name: whole, Label: "Fields as JSON", Kind: "json", Value: indented(own)}}
	}
	var all []input
	for _, f := range m.Fields {
		in := input{Name: "f." + f.Name, Label: f.Label, Kind: kind(f, item[f.Name])}
		if in.Label == "" {
			in.Label = f.Name
		}
		switch value := item[f.Name].(type) {
		case nil:
		case bool:
			in.Checked = value
		case string:
			in.Value = value
		default:
			in.Value = fmt.Sprint(value)
		}
		if in.Kind == "json" && item[f.Name] != nil {
			in.Value = indented(item[f.Name])
		}
		all = append(all, in)
	}
	return all
}

// kind returns how a field is edited: by its type if the value fits it, else as JSON, so that an imported value is
// not lost.
func kind(f content.Field, value any) string {
	fits := value == nil
	switch value.(type) {
	case string:
		fits = f.Type == "text" || f.Type == "longtext" || f.Type == "date" || f.Type == ""
	case bool:
		fits = f.Type == "boolean"
	case json.Number:
		fits = f.Type == "number"
	}
	switch {
	case fits && f.Type == "":
		return "text"
	case fits && slices.Contains(fieldTypes, f.Type):
		return f.Type
	}
	return "json"
}

// filled reads the form of an item. It returns the fields, and an error if one is not valid. The form keeps what was
// typed.
func filled(m content.Model, old content.Item, form url.Values) (fields content.Item, problem error) {
	fields = content.Item{}
	if len(m.Fields) == 0 {
		value, err := parse(form.Get(whole))
		object, ok := value.(map[string]any)
		if err != nil || !ok {
			return fields, errors.New("the fields are not a JSON object")
		}
		// An empty input sends an empty value: an update does not change fields that it does not name.
		for field := range maps.Keys(old) {
			if _, there := object[field]; !there && !strings.HasPrefix(field, "_") {
				object[field] = nil
			}
		}
		delete(object, "_state")
		return object, nil
	}
	for _, f := range m.Fields {
		if strings.HasPrefix(f.Name, "_") {
			continue // reserved, even if a loaded model has it: setting _state needs another permission
		}
		text := form.Get("f." + f.Name)
		var err error
		switch kind(f, old[f.Name]) {
		case "boolean":
			fields[f.Name] = text != ""
		case "number":
			fields[f.Name], err = number(text)
		case "date":
			fields[f.Name], err = date(text)
		case "json":
			fields[f.Name], err = parse(text)
		default:
			fields[f.Name] = strings.ReplaceAll(text, "\r\n", "\n")
		}
		if err != nil {
			problem = errors.Join(problem, fmt.Errorf("%q is %w", f.Name, err))
		}
	}
	return fields, problem
}

func number(text string) (any, error) {
	if text = strings.TrimSpace(text); text == "" {
		return nil, nil
	}
	value, err := parse(text)
	if n, ok := value.(json.Number); ok && err == nil {
		return n, nil
	}
	return nil, errors.New("not a number")
}

func date(text string) (any, error) {
	if text == "" {
		return nil, nil
	}
	if _, err := time.Parse(time.DateOnly, text); err != nil {
		return nil, errors.New("not a date, such as 2030-01-31")
	}
	return text, nil
}

// parse reads one JSON value; an empty text is null.
func parse(text string) (value any, err error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return nil, errors.New("not JSON")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON value")
	}
	return value, nil
}

func indented(value any) string {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return ""
	}
	return string(text)
}
