package mongo

import (
	"bytes"
	"encoding/json"
)

// An Order compares two documents.
type Order func(a, b Doc) int

const maxOrders = 16 // of fields to sort by

// ParseOrder reads {"title": -1, "_created": 1}; nil for no order. As in Cockpit, null and false are empty texts, texts
// come after numbers, and "desc" is not -1: the texts "asc" and "desc" both mean ascending.
func (c *Compiler) ParseOrder(raw []byte) (Order, error) {
	return c.order(raw, map[string]int{"-1": -1, "1": 1, "asc": 1, "desc": 1}, func(a, b any) int {
		for _, v := range []*any{&a, &b} {
			if *v == nil || *v == true || *v == false {
				*v = text(*v)
			}
		}
		return Compare(a, b)
	})
}

// order reads an object token by token, since the order of its members matters.
func (c *Compiler) order(raw []byte, signs map[string]int, compare func(a, b any) int) (Order, error) {
	type direction struct {
		path []string
		sign int
	}
	var all []direction
	members, err := decodeObject(raw)
	if err != nil || len(members) == 0 {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	for _, _ = decoder.Token(); decoder.More(); {
		name, _ := decoder.Token()
		value, _ := decoder.Token()
		field, _ := name.(string)
		sign := signs[text(value)]
		if sign == 0 || len(all) == maxOrders || !fieldName(field) {
			return nil, refuse("no order, or too many:", field)
		}
		all = append(all, direction{c.path(field), sign})
	}
	return func(a, b Doc) int {
		for _, d := range all {
			if c := compare(at(a, d.path), at(b, d.path)); c != 0 {
				return c * d.sign
			}
		}
		return 0
	}, nil
}
