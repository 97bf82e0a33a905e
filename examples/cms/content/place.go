package content

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// Reorder is the verb that allows moving the items of a tree.
const Reorder = "updateorder"

// ErrParent means that the parent does not exist, or is the item itself or below it.
var ErrParent = errors.New("content: not a parent for this item")

// deepest is the greatest depth of a tree.
const deepest = 100

// Place moves an item of a tree below parent, or to the top if parent is "". Siblings are ordered by position.
func (s *Store) Place(ctx context.Context, m Model, id, parent string, position int, by string) error {
	if m.Type != Tree {
		return fmt.Errorf("%w: model %q is not a tree", ErrNotFound, m.Name)
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
