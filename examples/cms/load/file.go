// Package load brings a file of documents, shaped as Cockpit stores them, into the example CMS.
//
// [Read] takes the file apart, [Into.Add] stores what is in it. Adding is all it does: what is there already stays as
// it is, so loading a file again changes nothing, and a key that was refreshed or ended meanwhile, or a user who was
// deactivated, does not come back. What cannot be taken is named with the reason, and the rest goes on.
//
// Keys become digests at once. Their texts are never written, printed or returned.
package load

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/latchkey-go/latchkey/examples/cms/content"
)

// A File is what was read. Its keys are in clear: keep it no longer than it takes to load it.
type File struct {
	roles, users, keys []document
	public             any // a document, an appid, or nil
	models             []content.Model
	items              map[string][]content.Item
}

// Read reads {"roles": […], "users": […], "api_keys": […], "public": …, "models": […], "items": {"model": […]}}. Any
// member may be missing, and others are passed over. No error quotes what is in the file, which may be a key.
func Read(r io.Reader) (*File, error) {
	decoder := json.NewDecoder(r)
	var members map[string]json.RawMessage
	if err := decoder.Decode(&members); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, fmt.Errorf("load: no JSON: mistake after byte %d", syntax.Offset)
		}
		return nil, errors.New("load: no JSON object")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("load: something stands behind the JSON object")
	}
	f := &File{}
	for _, member := range []struct {
		name string
		to   any
		want string
	}{
		{"roles", &f.roles, "a list of objects"},
		{"users", &f.users, "a list of objects"},
		{"api_keys", &f.keys, "a list of objects"},
		{"public", &f.public, "an appid, an object or null"},
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
	return f, nil
}

// empty reports whether raw is [], which is how PHP writes an empty object too.
func empty(raw json.RawMessage) bool {
	var list []any
	return json.Unmarshal(raw, &list) == nil && len(list) == 0
}

// A document is an object as Cockpit stores it.
type document map[string]any

// text returns a member that is a text: "" if it is missing or null. It is false for anything else.
func (d document) text(member string) (text string, ok bool) {
	if d[member] == nil {
		return "", true
	}
	text, ok = d[member].(string)
	return text, ok
}

// created returns when the document was made, in Unix seconds; 0 if it does not say.
func (d document) created() int64 {
	n, _ := d["_created"].(json.Number)
	seconds, _ := n.Int64()
	return seconds
}
