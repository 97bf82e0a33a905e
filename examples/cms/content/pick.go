package content

import (
	"bytes"
	"encoding/json"
	"errors"
)

var errDocument = errors.New("content: a stored document is not valid")

// pick decodes some fields of a document and skips the others, which takes a fraction of the time. Documents are
// written by json.Marshal, so they have no white space.
func pick(document []byte, fields map[string]bool) (picked map[string]any, err error) {
	picked = make(map[string]any, len(fields))
	for at := 1; len(picked) < len(fields) && at < len(document) && document[at] == '"'; at++ {
		colon := end(document, at)
		last := end(document, colon+1)
		if colon < 0 || last < 0 || last >= len(document) {
			return nil, errDocument
		}
		name := document[at+1 : colon-1]
		if bytes.IndexByte(name, '\\') >= 0 { // rare
			var decoded string
			_ = json.Unmarshal(document[at:colon], &decoded)
			name = []byte(decoded)
		}
		if fields[string(name)] {
			if picked[string(name)], err = value(document[colon+1 : last]); err != nil {
				return nil, err
			}
		}
		at = last
	}
	return picked, nil
}

// value decodes a value. Most are texts and numbers, and need no decoder.
func value(text []byte) (v any, err error) {
	switch c := text[0]; {
	case c == '"' && bytes.IndexByte(text, '\\') < 0:
		return string(text[1 : len(text)-1]), nil
	case c == '-' || c >= '0' && c <= '9':
		return json.Number(text), nil
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	return v, decoder.Decode(&v)
}

// end returns the end of the value that begins at a place of a document, or -1.
func end(document []byte, at int) int {
	for depth := 0; at < len(document); at++ {
		switch document[at] {
		case '"':
			for escaped := true; escaped; {
				length := bytes.IndexByte(document[at+1:], '"')
				if length < 0 {
					return -1
				}
				before := document[at+1 : at+1+length]
				escaped = (len(before)-len(bytes.TrimRight(before, `\`)))%2 == 1
				at += 1 + length
			}
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case ',', ':':
			if depth == 0 {
				return at
			}
		}
		if depth < 0 {
			return at
		}
	}
	return -1
}
