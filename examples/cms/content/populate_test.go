package content_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/examples/cms/content"
)

// everyModel allows reading all models but those named.
func everyModel(but ...string) func(context.Context, string) (bool, error) {
	return func(_ context.Context, model string) (bool, error) {
		for _, name := range but {
			if name == model {
				return false, nil
			}
		}
		return true, nil
	}
}

func TestPopulate(t *testing.T) {
	s := opened(t)
	posts := add(t, s, content.Model{Name: "posts", Type: content.Collection}, `[
		{"_id": "p", "_state": 1, "by": {"_model": "authors", "_id": "ann"}, "see": [{"deep": {"_model": "posts", "_id": "p"}}, {"_model": "authors", "_id": "ann"}]},
		{"_id": "q", "_state": 1, "by": {"_model": "authors", "_id": "draft"}, "see": {"_model": "nothing", "_id": "x"}, "no": {"_model": "authors", "_id": "a'b"}, "odd": {"_model": 5, "_id": "ann"}}
	]`)
	add(t, s, content.Model{Name: "authors", Type: content.Collection, Fields: []content.Field{{Name: "name", I18n: true}}}, `[
		{"_id": "ann", "_state": 1, "name": "Ann", "name_de": "Anna", "of": {"_model": "posts", "_id": "p"}},
		{"_id": "draft", "_state": 0, "name": "Draft"}
	]`)
	read := func(text string, may func(context.Context, string) (bool, error)) string {
		items, _, err := s.Items(t.Context(), posts, query(t, text))
		require.NoError(t, err)
		require.NoError(t, s.Populate(t.Context(), items, query(t, text), may))
		return asJSON(t, items)
	}
	ann := `{"_id":"ann","_model":"authors","_state":1,"name":"Ann","of":{"_id":"p","_model":"posts"}}`
	further := strings.TrimSuffix(ann, "}}") + `,"_state":1,"by":{"_id":"ann","_model":"authors"},"see":[{"deep":{"_id":"p","_model":"posts"}},{"_id":"ann","_model":"authors"}]}}`
	require.Equal(t, `[{"by":`+further+`,"see":[{"deep":{"_id":"p","_model":"posts"}},`+ann+`]},`+ // a list in between is a level
		`{"by":null,"no":null,"odd":{"_id":"ann","_model":5},"see":null}]`, read(`populate=1&fields={_id:0,_state:0}`, everyModel()))
	require.Contains(t, read(`populate=1&locale=de`, everyModel()), `"name":"Anna"`)
	require.NotContains(t, read(`populate=9`, everyModel("authors")), "Ann", "at no depth")
	require.Contains(t, read(`populate=9`, everyModel("posts")), "Ann")
	require.NotContains(t, read(``, everyModel()), "Ann")
	circle := read(`populate=1000000000`, everyModel())
	require.Less(t, len(circle), 20_000, "a circle is followed a few times: %d bytes", len(circle))
	require.Equal(t, circle, read(`populate=-1`, everyModel()))

	storeErr := errors.New("the store failed")
	items, _, err := s.Items(t.Context(), posts, content.Query{})
	require.NoError(t, err)
	err = s.Populate(t.Context(), items, query(t, `populate=1`), func(context.Context, string) (bool, error) { return false, storeErr })
	require.ErrorIs(t, err, storeErr)
}

// Items with many links to each other give an error quickly.
func TestPopulateIsBounded(t *testing.T) {
	s, m := opened(t), content.Model{Name: "nodes", Type: content.Collection}
	_, err := s.AddModel(t.Context(), m)
	require.NoError(t, err)
	links := make([]any, 100)
	for i := range links {
		links[i] = map[string]any{"_model": "nodes", "_id": "n"}
	}
	_, err = s.AddItems(t.Context(), m, []content.Item{{"_id": "n", "_state": 1, "links": links}})
	require.NoError(t, err)
	items, _, err := s.Items(t.Context(), m, content.Query{})
	require.NoError(t, err)
	start := time.Now()
	require.ErrorIs(t, s.Populate(t.Context(), items, query(t, `populate=5`), everyModel()), content.ErrTooMany)
	require.Less(t, time.Since(start), 5*time.Second)
}

func TestTree(t *testing.T) {
	s := opened(t)
	m := add(t, s, content.Model{Name: "menu", Type: content.Tree}, `[
		{"_id": "b", "_state": 1, "_pid": null, "_o": 2},
		{"_id": "a", "_state": 1, "_pid": null, "_o": 1},
		{"_id": "a2", "_state": 1, "_pid": "a", "_o": 2},
		{"_id": "a1", "_state": 1, "_pid": "a", "_o": 1},
		{"_id": "hidden", "_state": 0, "_pid": null, "_o": 0},
		{"_id": "under", "_state": 1, "_pid": "hidden", "_o": 0},
		{"_id": "x", "_state": 1, "_pid": "y", "_o": 0},
		{"_id": "y", "_state": 1, "_pid": "x", "_o": 0}
	]`)
	tree := func(parent, text string) string {
		items, err := s.Tree(t.Context(), m, parent, query(t, text))
		require.NoError(t, err)
		return asJSON(t, items)
	}
	const only = `fields={_id:1}`
	require.Equal(t, `[{"_children":[{"_children":[],"_id":"a1"},{"_children":[],"_id":"a2"}],"_id":"a"},{"_children":[],"_id":"b"}]`, tree("", only))
	require.Equal(t, `[{"_children":[],"_id":"a1"},{"_children":[],"_id":"a2"}]`, tree("a", only))
	require.Equal(t, `[]`, tree("unknown", only))
	require.Equal(t, `[{"_children":[{"_children":[],"_id":"x"}],"_id":"y"}]`, tree("x", only), "a circle ends")
}
