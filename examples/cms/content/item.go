package content

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
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

// Item returns a published item, or an error wrapping ErrNotFound. Of q it takes locale and fields.
func (s *Store) Item(ctx context.Context, m Model, id string, q Query) (Item, error) {
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
	m.show(item, q)
	return item, nil
}

// MaxItems is how many items one answer may hold, and maxBytes how large their documents may be together. A longer
// list is read in pages.
const (
	MaxItems = 50_000
	maxBytes = 64 << 20
)

// ErrTooMany: more than an answer may hold.
var ErrTooMany = errors.New("content: too many items: ask for fewer with limit")

// Items returns the published items that q asks for, and how many there are without its limit and skip; that is only
// told if q is Paged. Without filter and order the database counts and cuts. With them all items of the model are read
// until enough have passed, since documents are text to the database; it is asked for no others than those whose _id
// the filter names, and those that lack a text that the filter asks for are not taken apart.
func (s *Store) Items(ctx context.Context, m Model, q Query) (items []Item, total int, err error) {
	read, turns := s.search, s.searches
	if q.filter == nil && len(q.sort) == 0 {
		read, turns = s.page, s.lists
	}
	if !q.short() {
		var done func()
		if ctx, done, err = turn(ctx, turns); err != nil {
			return nil, 0, err
		}
		defer done()
	}
	items, total, err = read(ctx, m, q)
	for i := range items {
		m.show(items[i], q)
	}
	return items, total, err
}

// show leaves what the query asks for of an item.
func (m Model) show(item Item, q Query) {
	m.localise(item, q.locale)
	q.fields.of(item)
}

func (s *Store) page(ctx context.Context, m Model, q Query) (items []Item, total int, err error) {
	if q.Paged() {
		err = s.db.QueryRowContext(ctx, `SELECT COUNT(*) FROM cms_items WHERE model = $1 AND state = $2`, m.Name, published).Scan(&total)
		if err != nil {
			return nil, 0, err
		}
	}
	limit := q.most() + 1
	if q.limit > 0 {
		limit = min(limit, q.limit)
	}
	items, err = s.read(ctx, `SELECT document FROM cms_items WHERE model = $1 AND state = $2 ORDER BY seq LIMIT $3 OFFSET $4`,
		m.Name, published, limit, q.skip)
	if len(items) > q.most() {
		return nil, 0, ErrTooMany
	}
	return items, total, err
}

const (
	searching = 10 * time.Second // that one long read may take, waiting for its turn included
	atOnce    = 4                // searches, and lists: more would keep all connections, and so those who look up keys waiting
	fewItems  = 1000             // are a short read, which does not wait
)

// short reports whether the database is asked for few items and no others.
func (q Query) short() bool {
	return q.filter == nil && len(q.sort) == 0 && q.limit > 0 && q.limit <= fewItems
}

// turn waits until a long read may begin, and ends when done is called. The read has the time that timed leaves it.
func turn(ctx context.Context, turns chan struct{}) (timed context.Context, done func(), err error) {
	timed, cancel := context.WithTimeout(ctx, searching)
	select {
	case turns <- struct{}{}:
		return timed, func() { <-turns; cancel() }, nil
	case <-timed.Done():
		cancel()
		return nil, nil, timed.Err()
	}
}

func (s *Store) search(ctx context.Context, m Model, q Query) (items []Item, total int, err error) {
	condition, args := q.where(m)
	found := collector{Query: q, items: []Item{}}
	err = s.each(ctx, func(document []byte) (more bool, err error) {
		item, ok, err := q.passes(document)
		if err != nil || !ok {
			return true, err
		}
		return found.add(item, len(document))
	}, `SELECT document FROM cms_items WHERE `+condition+` ORDER BY seq`, args...)
	if err != nil {
		return nil, 0, err
	}
	items, err = found.page()
	return items, found.total, err
}

func (s *Store) read(ctx context.Context, query string, args ...any) ([]Item, error) {
	items, size := []Item{}, 0
	err := s.each(ctx, func(document []byte) (bool, error) {
		if size += len(document); size > maxBytes {
			return false, ErrTooMany
		}
		item, err := decode(document)
		items = append(items, item)
		return true, err
	}, query, args...)
	return items, err
}

// each hands the documents that a query selects to f, until that has enough.
func (s *Store) each(ctx context.Context, f func(document []byte) (more bool, err error), query string, args ...any) error {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for more := true; more && rows.Next(); {
		var document sql.RawBytes
		if err := rows.Scan(&document); err != nil {
			return err
		}
		if more, err = f(document); err != nil {
			return err
		}
	}
	return rows.Err()
}
