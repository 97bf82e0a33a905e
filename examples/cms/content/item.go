package content

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
)

// An Item is one document: the fields of its model, and Cockpit's own with an underscore, such as _id and _state.
// Numbers are json.Number, so that they come out as they went in.
type Item map[string]any

// ID returns the item's _id, or "" if it has none.
func (i Item) ID() string {
	id, _ := i["_id"].(string)
	return id
}

// published is the _state of an item that readers see. 0 is a draft, -1 is archived.
const published = 1

// State returns the item's _state, and whether it is one that there is.
func (i Item) State() (state int, ok bool) {
	switch i["_state"] {
	case json.Number("1"), 1:
		return published, true
	case json.Number("0"), 0:
		return 0, true
	case json.Number("-1"), -1:
		return -1, true
	}
	return 0, false
}

func decode(document []byte) (Item, error) {
	var item Item
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	return item, decoder.Decode(&item)
}

// Item returns a published item, or an error wrapping ErrNotFound.
func (s *Store) Item(ctx context.Context, m Model, id, locale string) (Item, error) {
	if !ValidName(id) { // not asked for: what is no text to PostgreSQL would look like a fault of the store
		return nil, fmt.Errorf("%w: no _id: %q", ErrNotFound, id)
	}
	var document []byte
	err := s.db.QueryRowContext(ctx, `SELECT document FROM cms_items WHERE model = $1 AND id = $2 AND state = $3`,
		m.Name, id, published).Scan(&document)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("%w: item %q of %q", ErrNotFound, id, m.Name)
	}
	if err != nil {
		return nil, err
	}
	item, err := decode(document)
	if err != nil {
		return nil, err
	}
	m.localise(item, locale)
	return item, nil
}

// Items returns the published items that q asks for, and how many there are without its limit and skip.
func (s *Store) Items(ctx context.Context, m Model, q Query) (items []Item, total int, err error) {
	if q.filter == nil && len(q.sort) == 0 {
		items, total, err = s.page(ctx, m, q)
	} else {
		items, total, err = s.search(ctx, m, q)
	}
	for i := range items {
		m.localise(items[i], q.locale)
		q.project(items[i])
	}
	return items, total, err
}

// page lets the database count and cut.
func (s *Store) page(ctx context.Context, m Model, q Query) (items []Item, total int, err error) {
	if q.Paged() {
		err = s.db.QueryRowContext(ctx, `SELECT COUNT(*) FROM cms_items WHERE model = $1 AND state = $2`, m.Name, published).Scan(&total)
		if err != nil {
			return nil, 0, err
		}
	}
	limit := int64(math.MaxInt64)
	if q.limit > 0 {
		limit = int64(q.limit)
	}
	items, err = s.read(ctx, nil, `SELECT document FROM cms_items WHERE model = $1 AND state = $2 ORDER BY seq LIMIT $3 OFFSET $4`,
		m.Name, published, limit, q.skip)
	return items, total, err
}

// search reads all published items of the model: documents are text to the database, so filters and orders of
// their fields are worked out here.
func (s *Store) search(ctx context.Context, m Model, q Query) (items []Item, total int, err error) {
	items, err = s.read(ctx, q.filter, `SELECT document FROM cms_items WHERE model = $1 AND state = $2 ORDER BY seq`, m.Name, published)
	if err != nil {
		return nil, 0, err
	}
	slices.SortStableFunc(items, q.compare)
	total = len(items)
	items = items[min(q.skip, total):]
	if q.limit > 0 {
		items = items[:min(q.limit, len(items))]
	}
	return items, total, nil
}

func (s *Store) read(ctx context.Context, f filter, query string, args ...any) ([]Item, error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	items := []Item{}
	for rows.Next() {
		var document []byte
		if err := rows.Scan(&document); err != nil {
			return nil, err
		}
		item, err := decode(document)
		if err != nil {
			return nil, err
		}
		if f == nil || f(item) {
			items = append(items, item)
		}
	}
	return items, rows.Err()
}
