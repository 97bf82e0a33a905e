package content

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// pick returns what decoding the whole document does.
func FuzzPick(f *testing.F) {
	for _, text := range []string{`{}`, `{"a":1}`, `{"a":"x\"}","b":[{"a":2}],"c":null}`, `{"a<":"\\","n":-1.5e3,"o":{"b":{"c":[]}},"t":true}`, `{"\u2028":"é","b":"\\\\\""}`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		whole, err := decode([]byte(text))
		if err != nil || whole == nil {
			return
		}
		document, err := json.Marshal(whole) // as documents are written
		require.NoError(t, err)
		whole, err = decode(document)
		require.NoError(t, err)
		for field := range whole {
			picked, err := pick(document, map[string]bool{field: true, "not there": true})
			require.NoError(t, err)
			want := map[string]any{field: whole[field]}
			if v, ok := whole["not there"]; ok {
				want["not there"] = v
			}
			require.Equal(t, want, picked)
		}
	})
}

// Lists with a filter and an order take at most half of the time that decoding all documents takes, which is how they
// were made before.
func TestListsOfManyItems(t *testing.T) {
	if os.Getenv("LATCHKEY_LONG") == "" {
		t.Skip("filters 100,000 documents several times: set LATCHKEY_LONG=1")
	}
	var documents [][]byte
	for i := range 100_000 {
		document, err := json.Marshal(Item{"_id": fmt.Sprint(i), "_state": 1, "title": fmt.Sprint("Title ", i), "body": strings.Repeat("word ", 40), "n": i % 1000, "_created": i})
		require.NoError(t, err)
		documents = append(documents, document)
	}
	limit := 10
	q, err := Options{Filter: []byte(`{"n":{"$gte":500}}`), Sort: []byte(`{"_created":-1}`), Limit: &limit}.Query()
	require.NoError(t, err)
	run := func(read func(document []byte) (map[string]any, error)) (took time.Duration, items []Item) {
		start, c := time.Now(), collector{Query: q}
		for _, document := range documents {
			fields, err := read(document)
			require.NoError(t, err)
			if q.filter(fields) {
				_, err = c.add(fields, document)
				require.NoError(t, err)
			}
		}
		items, err := c.page()
		require.NoError(t, err)
		return time.Since(start), items
	}
	var before, after []time.Duration
	for range 5 {
		took, want := run(func(document []byte) (map[string]any, error) { return decode(document) })
		before = append(before, took)
		took, got := run(func(document []byte) (map[string]any, error) { return pick(document, q.uses) })
		after = append(after, took)
		require.Equal(t, want, got)
	}
	t.Logf("%v before, %v now", slices.Min(before), slices.Min(after))
	require.Less(t, slices.Min(after), slices.Min(before)/2)
}
