package load

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"iter"

	"github.com/latchkey-go/latchkey/examples/cms/content"
)

// Locales adds languages of translations.
func (in Into) Locales(ctx context.Context, names []string) error {
	for _, name := range names {
		switch {
		case !content.ValidName(name):
			in.Say("refused: locale %q is not a valid name", name)
		case in.DryRun:
		default:
			if err := in.Content.AddLocales(ctx, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// Model stores a model unless its name is taken. It returns the stored model, or nil if m is refused.
func (in Into) Model(ctx context.Context, m content.Model) (kept *content.Model, added bool, err error) {
	if err := m.Check(); err != nil {
		in.Say("refused: %v", err)
		return nil, false, nil
	}
	there, err := in.Content.Model(ctx, m.Name)
	switch {
	case errors.Is(err, content.ErrNotFound) && in.DryRun:
		return &m, true, nil
	case errors.Is(err, content.ErrNotFound):
		added, err = in.Content.AddModel(ctx, m)
		return &m, added, err
	case err != nil:
		return nil, false, err
	case there.Type != m.Type:
		in.Say("refused: model %q: it is a %s here, not a %s", m.Name, there.Type, m.Type)
		return nil, false, nil
	case there.Revision() != m.Revision():
		in.Say("model %q exists and is different: it is not changed", m.Name)
	}
	return &there, false, nil
}

// The limits of one transaction, whose items are in memory.
const (
	mostItems = 500
	mostBytes = 4 << 20 // of texts, approximately
)

// Items stores the items of a model that do not exist yet, and returns their number. An item without an _id gets one
// computed from its content, so that a second load finds it. nil items are refused.
func (in Into) Items(ctx context.Context, m content.Model, items iter.Seq2[content.Item, error]) (added int, err error) {
	var waiting []content.Item
	size := 0
	flush := func() error {
		n, err := in.store(ctx, m, waiting)
		added += n
		clear(waiting)
		waiting, size = waiting[:0], 0
		return err
	}
	row, hidden := 0, 0
	for item, err := range items {
		if err != nil {
			return added, err
		}
		row++
		if item == nil {
			in.Say("refused: item %d of %q: it is not an object", row, m.Name)
			continue
		}
		if item["_id"] == nil {
			text, _ := json.Marshal(item)
			sum := sha256.Sum256(append([]byte(m.Name+"\n"), text...))
			item["_id"] = hex.EncodeToString(sum[:12])
		}
		if !content.ValidName(item.ID()) {
			in.Say("refused: item %d of %q: its _id is not valid", row, m.Name)
			continue
		}
		if _, ok := item.State(); !ok {
			hidden++
		}
		waiting, size = append(waiting, item), size+weigh(map[string]any(item))
		if len(waiting) == mostItems || size > mostBytes {
			if err := flush(); err != nil {
				return added, err
			}
		}
	}
	if hidden > 0 {
		in.Say("%d items of %q have no known _state: they are drafts", hidden, m.Name)
	}
	return added, flush()
}

// weigh returns the approximate size of a value as JSON, in bytes.
func weigh(value any) int {
	switch value := value.(type) {
	case string:
		return len(value)
	case []any:
		sum := 0
		for _, v := range value {
			sum += weigh(v)
		}
		return sum
	case map[string]any:
		sum := 0
		for name, v := range value {
			sum += len(name) + weigh(v)
		}
		return sum
	}
	return 8
}

func (in Into) store(ctx context.Context, m content.Model, items []content.Item) (added int, err error) {
	if in.DryRun {
		there, err := in.Content.There(ctx, m, items)
		return len(items) - there, err
	}
	return in.Content.AddItems(ctx, m, items)
}
