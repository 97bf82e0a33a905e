package php

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
)

// An array is a PHP array: an ordered list of values under keys, each an int64 or a string.
type array struct {
	keys   []any
	values map[any]any

	next     int64 // the key of the next value without a key
	full     bool  // there is no next key
	negative bool  // a key is negative
}

// MarshalJSON encodes as PHP's json_encode does: a list if the keys are 0, 1, 2 and so on, an object otherwise. So an
// empty array is always an empty list.
func (a *array) MarshalJSON() ([]byte, error) {
	list := true
	for i, key := range a.keys {
		list = list && key == int64(i)
	}
	var b bytes.Buffer
	open, closing := byte('{'), byte('}')
	if list {
		open, closing = '[', ']'
	}
	b.WriteByte(open)
	for i, key := range a.keys {
		if i > 0 {
			b.WriteByte(',')
		}
		if !list {
			text, ok := key.(string)
			if !ok {
				text = strconv.FormatInt(key.(int64), 10)
			}
			name, err := json.Marshal(text)
			if err != nil {
				return nil, err
			}
			b.Write(name)
			b.WriteByte(':')
		}
		value, err := json.Marshal(a.values[key])
		if err != nil {
			return nil, err
		}
		b.Write(value)
	}
	b.WriteByte(closing)
	return b.Bytes(), nil
}

// put stores a value under a new key. If the key is a number, the next key follows the largest.
func (a *array) put(key, value any) {
	if a.values == nil {
		a.values = map[any]any{}
	}
	a.keys = append(a.keys, key)
	a.values[key] = value
	n, ok := key.(int64)
	a.negative = a.negative || ok && n < 0
	if ok && n >= a.next {
		a.next, a.full = n+1, n == math.MaxInt64
	}
}

// keyOf converts a text to a key as PHP does: to a number if it is that number's canonical spelling.
func keyOf(text string) any {
	n, err := strconv.ParseInt(text, 10, 64)
	if err == nil && strconv.FormatInt(n, 10) == text {
		return n
	}
	return text
}
