package content

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
)

type order struct {
	path []string
	sign int
}

const maxOrders = 16 // of fields to sort by

// parseSort reads {"title": -1, "_created": 1} token by token, since the order of members matters.
func parseSort(text json.RawMessage, locale string) (orders []order, err error) {
	if nothing(text) {
		return nil, nil
	}
	if !json.Valid(text) {
		return nil, errFilter
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return nil, errFilter
	}
	for decoder.More() {
		field, _ := decoder.Token()
		direction, _ := decoder.Token()
		sign, ok := direction.(float64)
		if !ok || sign != 1 && sign != -1 || len(orders) == maxOrders {
			return nil, errFilter
		}
		orders = append(orders, order{path(field.(string), locale), int(sign)})
	}
	return orders, nil
}

func (q Query) compare(a, b Item) int {
	for _, o := range q.sort {
		if c := compare(at(a, o.path), at(b, o.path)); c != 0 {
			return c * o.sign
		}
	}
	return 0
}

// A collector keeps the items that a query selects, and as few as possible.
type collector struct {
	Query
	items []Item
	size  int // of the items' documents, in bytes, approximately
	total int // of the items that matched the filter
}

// add takes a matching item with the size of its document. It returns false when no later item can change the result.
func (c *collector) add(item Item, size int) (more bool, err error) {
	c.total++
	last := c.skip + c.limit // later items are not returned
	inOrder := len(c.sort) == 0
	full := inOrder && c.limit > 0 && c.total >= last && !c.paged
	if !inOrder || c.total > c.skip && (c.limit == 0 || c.total <= last) {
		c.items = append(c.items, item)
		c.size += size
	}
	if !inOrder && c.limit > 0 && len(c.items) >= 2*last {
		slices.SortStableFunc(c.items, c.compare)
		clear(c.items[last:])
		c.items = c.items[:last]
		c.size /= 2
	}
	if len(c.items) > 2*c.most() || c.size > maxBytes {
		return false, ErrTooMany
	}
	return !full, nil
}

// page returns the items of the page.
func (c *collector) page() ([]Item, error) {
	items := c.items
	if len(c.sort) > 0 {
		slices.SortStableFunc(items, c.compare)
		items = items[min(c.skip, len(items)):]
		if c.limit > 0 {
			items = items[:min(c.limit, len(items))]
		}
	}
	if len(items) > c.most() {
		return nil, ErrTooMany
	}
	return items, nil
}

func (q Query) most() int {
	if q.atMost > 0 {
		return min(q.atMost, MaxItems)
	}
	return MaxItems
}

// compare orders any two values: null, booleans, numbers, texts; other values are equal.
func compare(a, b any) int {
	if c := cmp.Compare(rank(a), rank(b)); c != 0 {
		return c
	}
	switch a := a.(type) {
	case bool:
		return cmp.Compare(truth(a), truth(b.(bool)))
	case json.Number:
		return cmp.Compare(number(a), number(b.(json.Number)))
	case string:
		return cmp.Compare(a, b.(string))
	}
	return 0
}

func rank(v any) int {
	switch v.(type) {
	case nil:
		return 0
	case bool:
		return 1
	case json.Number:
		return 2
	case string:
		return 3
	}
	return 4
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

func number(n json.Number) float64 {
	f, _ := n.Float64()
	return f
}
