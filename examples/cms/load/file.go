package load

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/latchkey-go/latchkey/auth/cockpit"
	"github.com/latchkey-go/latchkey/examples/cms/content"
)

// A File is a parsed file. Its keys are in clear text: drop it as soon as it is loaded.
type File struct {
	access  *cockpit.Source
	locales []string
	models  []content.Model
	items   map[string][]content.Item
}

// Read reads {"locales": […], "models": […], "items": {"model": […]}}, and the members of the same object that
// [cockpit.ReadJSON] reads. All members are optional, and unknown ones are ignored. No error quotes the file, which
// holds keys.
func Read(r io.Reader) (*File, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	f := &File{}
	if f.access, err = cockpit.ReadJSON(bytes.NewReader(text)); err != nil {
		return nil, err
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(text, &members) != nil {
		return nil, errors.New("load: not a JSON object")
	}
	var locales []struct{ I18n string }
	for _, member := range []struct {
		name string
		to   any
		want string
	}{
		{"locales", &locales, "a list of objects"},
		{"models", &f.models, "a list of models"},
		{"items", &f.items, "an object with a list of items for each model"},
	} {
		raw := members[member.name]
		if raw == nil || member.name == "items" && empty(raw) {
			continue
		}
		decoder := json.NewDecoder(bytes.NewReader(raw))
		decoder.UseNumber()
		if decoder.Decode(member.to) != nil {
			return nil, fmt.Errorf("load: %q is not %s", member.name, member.want)
		}
	}
	for _, l := range locales {
		f.locales = append(f.locales, l.I18n)
	}
	return f, nil
}

// empty reports whether raw is [], which is also how PHP writes an empty object.
func empty(raw json.RawMessage) bool {
	var list []any
	return json.Unmarshal(raw, &list) == nil && len(list) == 0
}
