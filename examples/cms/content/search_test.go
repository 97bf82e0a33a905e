package content_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/examples/cms/content"
)

// Searches beyond a few wait for each other, and a search whose client has gone stops waiting.
func TestSearchesAtOnce(t *testing.T) {
	s := opened(t)
	m := books(t, s)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			items, _, err := s.Items(t.Context(), m, query(t, `filter={title:'Beta'}&sort={title:1}`))
			assert.NoError(t, err)
			assert.Len(t, items, 1)
		})
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	_, _, err := s.Items(gone, m, query(t, `filter={title:'Beta'}`))
	require.ErrorIs(t, err, context.Canceled)
	all.Wait()
}

// A model of 100,000 items: only the requested items are read.
func BenchmarkItems(b *testing.B) {
	s, m := openedFor(b), content.Model{Name: "many", Type: content.Collection}
	_, err := s.AddModel(b.Context(), m)
	require.NoError(b, err)
	for part := range 100 {
		var items []content.Item
		for i := range 1000 {
			items = append(items, content.Item{"_id": fmt.Sprintf("i%d-%d", part, i), "_state": 1, "title": fmt.Sprintf("Title %d", part*1000+i),
				"body": strings.Repeat("word ", 40), "n": i, "_created": part*1000 + i})
		}
		_, err := s.AddItems(b.Context(), m, items)
		require.NoError(b, err)
	}
	for _, text := range []string{
		`limit=10`, `limit=10&skip=0`, `limit=10&skip=90000`, `filter={_id:"i50-500"}`, `filter={title:"Title 77777"}`, `filter={title:"Title 10"}&limit=1`,
		`filter={n:{$lt:5}}&limit=10`, `sort={_created:-1}&limit=10`,
		`filter={n:{$gte:500}}&sort={_created:-1}&limit=10`, `filter={n:{$in:[1,2]}}&sort={title:1}&limit=5&skip=5`, `filter={title:"Title 77777"}&sort={n:1}`, `filter={title:{$regex:"77777$"}}`,
	} {
		b.Run(text, func(b *testing.B) {
			q := query(b, text)
			for b.Loop() {
				_, _, err := s.Items(b.Context(), m, q)
				require.NoError(b, err)
			}
		})
	}
}
