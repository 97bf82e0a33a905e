package load

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/latchkey-go/latchkey/examples/cms/content"
)

// addContent stores models and items. Items without an _id get one that is worked out from what they hold, so that it
// is the same the next time.
func (in Into) addContent(ctx context.Context, f *File) (models, items int, err error) {
	byName := map[string]content.Model{}
	for _, m := range f.models {
		if err := m.Check(); err != nil {
			in.Say("refused: %v", err)
			continue
		}
		added, err := in.Content.AddModel(ctx, m)
		if err != nil {
			return 0, 0, err
		}
		if added {
			models++
		}
		byName[m.Name] = m
	}
	for name, list := range f.items {
		model, ok := byName[name]
		if !ok {
			in.Say("refused: %d items of %q, which is no model of this file", len(list), name)
			continue
		}
		added, err := in.Content.AddItems(ctx, model, in.good(model, list))
		if err != nil {
			return 0, 0, err
		}
		items += added
	}
	return models, items, nil
}

// good returns the items that can be stored.
func (in Into) good(m content.Model, list []content.Item) []content.Item {
	var items []content.Item
	hidden := 0
	for i, item := range list {
		if item == nil {
			in.Say("refused: item %d of %q: it is null", i, m.Name)
			continue
		}
		if item["_id"] == nil {
			text, _ := json.Marshal(item)
			sum := sha256.Sum256(append([]byte(m.Name+"\n"), text...))
			item["_id"] = hex.EncodeToString(sum[:12])
		}
		if !content.ValidName(item.ID()) {
			in.Say("refused: item %d of %q: its _id is none", i, m.Name)
			continue
		}
		if _, ok := item.State(); !ok {
			hidden++
		}
		items = append(items, item)
	}
	if hidden > 0 {
		in.Say("%d items of %q have no _state that there is: they count as drafts", hidden, m.Name)
	}
	return items
}
