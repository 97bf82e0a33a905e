package content

import "slices"

// A collector keeps the items that a query selects, and as few as possible.
type collector struct {
	Query
	found []found
	size  int // of the documents, in bytes
	total int // of the items that matched the filter
}

// A found is an item that matches: its document, and the fields of it that the query reads.
type found struct {
	fields   map[string]any
	document []byte
}

// add takes a matching item. It returns false when no later item can change the result.
func (c *collector) add(fields map[string]any, document []byte) (more bool, err error) {
	c.total++
	last := c.skip + c.limit // later items are not returned
	inOrder := c.sort == nil
	full := inOrder && c.limit > 0 && c.total >= last && !c.paged
	if !inOrder || c.total > c.skip && (c.limit == 0 || c.total <= last) {
		c.found = append(c.found, found{fields, slices.Clone(document)})
		c.size += len(document)
	}
	if !inOrder && c.limit > 0 && len(c.found) >= 2*last {
		c.order()
		clear(c.found[last:])
		c.found = c.found[:last]
		c.size /= 2
	}
	if len(c.found) > 2*c.most() || c.size > maxBytes {
		return false, ErrTooMany
	}
	return !full, nil
}

func (c *collector) order() {
	slices.SortStableFunc(c.found, func(a, b found) int { return c.sort(a.fields, b.fields) })
}

// page returns the items of the page.
func (c *collector) page() (items []Item, err error) {
	if c.sort != nil {
		c.order()
		c.found = c.found[min(c.skip, len(c.found)):]
		if c.limit > 0 {
			c.found = c.found[:min(c.limit, len(c.found))]
		}
	}
	if len(c.found) > c.most() {
		return nil, ErrTooMany
	}
	items = make([]Item, len(c.found))
	for i, f := range c.found {
		if items[i], err = decode(f.document); err != nil {
			return nil, err
		}
	}
	return items, nil
}

func (q Query) most() int {
	if q.atMost > 0 {
		return min(q.atMost, MaxItems)
	}
	return MaxItems
}
