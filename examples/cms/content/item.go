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

// An Item is one document: the fields of its model, and Cockpit's own, which begin with an underscore, such as _id
// and _state. Numbers are json.Number, so that they are written as they were read.
type Item map[string]any

// ID returns the item's _id, or "" if it has none.
func (i Item) ID() string {
	id, _ := i["_id"].(string)
	return id
}

// published is the _state of an item that readers see. 0 is a draft, -1 is archived.
const published = 1

// State returns the item's _state, and whether it is a known one.
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

// Item returns a published item, or an error wrapping ErrNotFound. It uses the locale and fields of q.
func (s *Store) Item(ctx context.Context, m Model, id string, q Query) (Item, error) {
	if !ValidName(id) { // PostgreSQL refuses invalid text, which would look like a store failure
		return nil, fmt.Errorf("%w: not an _id: %q", ErrNotFound, id)
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

// MaxItems is how many items one answer may hold; maxBytes bounds the size of their documents together. Read a longer
// list in pages.
const (
	MaxItems = 50_000
	maxBytes = 64 << 20
)

// ErrTooMany means that the result exceeds the limits of one answer.
var ErrTooMany = errors.New("content: too many items: ask for fewer with limit")

// Items returns the published items that q selects, and their number without limit and skip, which is known only if q
// is Paged. Without filter and order the database counts and pages. With them the model's items are read until enough
// match, since documents are text to the database. If the filter names _id values, only those items are read, and
// documents that lack a text the filter needs are not decoded.
func (s *Store) Items(ctx context.Context, m Model, q Query) (items []Item, total int, err error) {
	if m.Type == Singleton { // has one item, whatever is asked for
		q.filter, q.sort = nil, nil
	}
	read, turns := s.search, s.searches
	if q.filter == nil && q.sort == nil {
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

// show returns the parts of an item that the query asks for.
func (m Model) show(item Item, q Query) {
	m.localise(item, q.locale, q.fields)
	q.fields.Of(item)
	if m.Type == Singleton {
		item["_model"] = m.Name
	}
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
	searching = 10 * time.Second // for one long read, waiting for its turn included
	atOnce    = 4                // searches, and as many lists; more would take all connections and block key look-ups
	fewItems  = 1000             // a short read, which does not wait
)

// short reports whether the query reads few items.
func (q Query) short() bool {
	return q.filter == nil && q.sort == nil && q.limit > 0 && q.limit <= fewItems
}

// turn waits for one of turns. timed is the context of the read, which must call done at its end.
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
	found := collector{Query: q}
	err = s.each(ctx, func(document []byte) (more bool, err error) {
		fields, ok, err := q.passes(document)
		if err != nil || !ok {
			return true, err
		}
		return found.add(fields, document)
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

// each calls f with the documents that a query selects until f returns false.
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
