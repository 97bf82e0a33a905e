package content

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// Reorder is the verb that lets somebody move the items of a tree.
const Reorder = "updateorder"

// ErrParent: no item can be below itself, or below one that is not there.
var ErrParent = errors.New("content: not a parent for this item")

// deepest bounds how far down a tree goes.
const deepest = 100

// Place puts an item of a tree below another one, or at the top if parent is "". Among those beside it the lower
// position comes first.
func (s *Store) Place(ctx context.Context, m Model, id, parent string, position int, by string) error {
	if m.Type != Tree {
		return fmt.Errorf("%w: model %q is no tree", ErrNotFound, m.Name)
	}
	for up, depth := parent, 0; up != ""; depth++ {
		if up == id || depth == deepest {
			return ErrParent
		}
		above, err := s.Draft(ctx, m, up)
		if errors.Is(err, ErrNotFound) {
			return ErrParent
		}
		if err != nil {
			return err
		}
		up, _ = above["_pid"].(string)
	}
	_, err := s.change(ctx, m, id, func(item Item) (Item, error) {
		item["_pid"], item["_o"] = nil, json.Number(strconv.Itoa(position))
		if parent != "" {
			item["_pid"] = parent
		}
		stamp(item, "_modified", "_mby", by)
		return item, nil
	})
	return err
}
