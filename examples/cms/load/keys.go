package load

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/latchkey-go/latchkey/examples/cms/content"
	"github.com/latchkey-go/latchkey/keys"
)

// publicKey is the word that marks the document of the public API among the keys: no key.
const publicKey = "public"

// userPrefix begins the keys of users. Cockpit looks for others among the custom keys alone, so that a user's key of
// another spelling never worked, and does not begin to here.
const userPrefix = "USR-"

// addKeys imports the keys of users and then the custom ones.
func (in Into) addKeys(ctx context.Context, f *File, owners []document) (added int, err error) {
	seen := map[string]bool{}
	add := func(d document, key keys.Imported, problem error) error {
		key.ForeignID = d.plain("_id")
		switch {
		case problem != nil:
		case key.Text == "":
			problem = errors.New("it has no text")
		case !content.ValidName(key.ForeignID) || seen[key.ForeignID]:
			problem = errors.New("it has no _id by which to know it again, or one that another has")
		}
		if problem != nil {
			in.Say("refused: key %q: %v", key.Name, problem)
			return nil
		}
		seen[key.ForeignID] = true
		ok, err := in.addKey(ctx, d, key)
		if ok {
			added++
		}
		return err
	}
	for _, d := range owners {
		text, isText := d.text("apiKey")
		if isText && text == "" {
			continue
		}
		var problem error
		if isText && !strings.HasPrefix(text, userPrefix) {
			problem = errors.New("a user's key begins with " + userPrefix)
		}
		key := keys.Imported{Kind: keys.UserKey, Text: text, Name: d.title("user", text), UserID: d.plain("_id")}
		if err := add(d, key, problem); err != nil {
			return added, err
		}
	}
	for _, d := range f.keys {
		text, _ := d.text("key")
		if text == publicKey {
			continue
		}
		name := d.title("name", text)
		role, err := in.role(d)
		if err != nil {
			in.Say("key %q may do nothing: %v", name, err)
		}
		if err := add(d, keys.Imported{Kind: keys.CustomKey, Text: text, Name: name, Role: role}, nil); err != nil {
			return added, err
		}
	}
	return added, nil
}

// addKey imports one key, unless the one with its _id was imported before: that one may have been refreshed since.
func (in Into) addKey(ctx context.Context, d document, key keys.Imported) (added bool, err error) {
	key.CreatedBy = "loaded from a file"
	key.AllowWeak = true
	if seconds := d.created(); seconds > 0 {
		key.CreatedAt = time.Unix(seconds, 0)
	}
	if there, err := in.knows(ctx, key); there || err != nil {
		return false, err
	}
	record, err := in.Keys.Import(ctx, key)
	switch {
	case errors.Is(err, keys.ErrExists):
		if there, err := in.knows(ctx, key); there || err != nil { // another node loads the same file
			return false, err
		}
		in.Say("refused: key %q: somebody has this key already, or its user has another", key.Name)
		return false, nil
	case errors.Is(err, keys.ErrRefused):
		in.Say("refused: key %q: %v", key.Name, err)
		return false, nil
	case err != nil:
		return false, fmt.Errorf("load: key %q: %w", key.Name, err)
	}
	if record.Weak {
		in.Say("weak: key %q (%s) is easy to guess, and marked so until it is refreshed", record.Name, record.Hint)
	}
	return true, nil
}

func (in Into) knows(ctx context.Context, key keys.Imported) (bool, error) {
	there, err := in.Keys.List(ctx, keys.Filter{ForeignID: key.ForeignID, Kind: key.Kind, UserID: key.UserID})
	return len(there) > 0, err
}

// plain returns a text without what does not belong into names; "" for anything else.
func (d document) plain(member string) string {
	text, _ := d[member].(string)
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, text)
}

// title returns what to call a key: its name, or the _id where that is missing or gives the key away.
func (d document) title(member, key string) string {
	name := d.plain(member)
	if name == "" || key != "" && strings.Contains(name, key) {
		return d.plain("_id")
	}
	return name
}
