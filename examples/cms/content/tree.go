package content

import (
	"context"
	"slices"

	"github.com/latchkey-go/latchkey/examples/cms/content/mongo"
)

// Tree returns the published items under parent ("" is the top), ordered by _o, each with its children as _children.
// Children of an unpublished item are left out, and so are cycles. It uses the locale and fields of q.
func (s *Store) Tree(ctx context.Context, m Model, parent string, q Query) ([]Item, error) {
	ctx, done, err := turn(ctx, s.lists)
	if err != nil {
		return nil, err
	}
	defer done()
	all, err := s.read(ctx, `SELECT document FROM cms_items WHERE model = $1 AND state = $2 ORDER BY seq LIMIT $3`,
		m.Name, published, MaxItems+1)
	if err != nil {
		return nil, err
	}
	if len(all) > MaxItems {
		return nil, ErrTooMany
	}
	children := map[string][]Item{}
	for _, item := range all {
		under, _ := item["_pid"].(string)
		children[under] = append(children[under], item)
	}
	var below func(parent string) []Item
	below = func(parent string) []Item {
		items := children[parent]
		delete(children, parent) // list each item once, even if parents form a cycle
		slices.SortStableFunc(items, func(a, b Item) int { return mongo.Compare(a["_o"], b["_o"]) })
		for _, item := range items {
			id := item.ID()
			m.show(item, q)
			item["_children"] = asList(below(id))
		}
		return items
	}
	items := below(parent)
	if items == nil {
		items = []Item{}
	}
	return items, nil
}

// asList turns items into a list value, so that links in them are found.
func asList(items []Item) []any {
	list := make([]any, len(items))
	for i, item := range items {
		list[i] = map[string]any(item)
	}
	return list
}
