package content_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/examples/cms/content"
)

func TestAggregate(t *testing.T) {
	s := opened(t)
	m := books(t, s)
	for text, want := range map[string]string{
		`[]`:                                `[{"_id":"b"},{"_id":"a"},{"_id":"c"}]`,
		`[{"$match":{"pages":{"$gt":90}}}]`: `[{"_id":"b"}]`,
		`[{"$match":{"_state":0}}]`:         `[]`, // not thrown away: no draft is among the items
		`[{"$sort":{"title":1}},{"$match":{"title":"Alpha"}}]`: `[{"_id":"a"}]`,
		`[{"$sort":{"title":-1}},{"$skip":1},{"$limit":1}]`:    `[{"_id":"b"}]`,
		`[{"$match":{"pages":{"$ne":null}}},{"$count":"n"}]`:   `[{"n":2}]`,
	} {
		p, err := content.ParsePipeline(json.RawMessage(text), "")
		require.NoError(t, err, text)
		items, err := s.Aggregate(t.Context(), m, p)
		require.NoError(t, err, text)
		for _, item := range items {
			for field := range item {
				if field != "_id" && field != "n" {
					delete(item, field)
				}
			}
		}
		require.Equal(t, want, asJSON(t, items), text)
	}
	for _, text := range []string{
		``, `{`, `{}`, `1`, `null1`, `[1]`, `[{}]`, `[{"$match":{},"$limit":1}]`, `[{"$lookup":{"from":"secret"}}]`, `[{"$out":"posts"}]`, `[{"$merge":"posts"}]`,
		`[{"$facet":{}}]`, `[{"$match":{"@by.name":"x"}}]`, `[{"$limit":-1}]`, `[{"$skip":"1"}]`, `[{"$sort":{"a":5}}]`, `[{"$project":1}]`, `[{"$count":"$x"}]`,
		`[{"match":{}}]`, `[` + strings.Repeat(`{"$limit":1},`, 30) + `{"$limit":1}]`,
	} {
		_, err := content.ParsePipeline(json.RawMessage(text), "")
		var pipeline *content.PipelineError
		require.ErrorAs(t, err, &pipeline, text)
	}
}

// The version changes with each change of a model, and the models are returned only then.
func TestVersion(t *testing.T) {
	s := opened(t)
	first, models, err := s.Version(t.Context(), content.Version{})
	require.NoError(t, err)
	require.Empty(t, models)
	require.NotEqual(t, content.Version{}, first)
	books(t, s)
	second, models, err := s.Version(t.Context(), first)
	require.NoError(t, err)
	require.Len(t, models, 1)
	require.NotEqual(t, first, second)
	third, models, err := s.Version(t.Context(), second)
	require.NoError(t, err)
	require.Nil(t, models)
	require.Equal(t, second, third)
}

// New items have all fields, translations included, as readers expect.
func TestNewItems(t *testing.T) {
	s := opened(t)
	require.NoError(t, s.AddLocales(t.Context(), "de", "fr", "de"))
	require.Error(t, s.AddLocales(t.Context(), "../x"))
	locales, err := s.Locales(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"de", "fr"}, locales)
	m := content.Model{Name: "posts", Type: content.Tree, Fields: []content.Field{{Name: "title", I18n: true}, {Name: "tags", Multiple: true}, {Name: "title_fr"}}}
	item, err := s.Create(t.Context(), m, content.Item{"title_de": "Hallo"}, content.Writer{})
	require.NoError(t, err)
	for _, own := range []string{"_id", "_created", "_modified", "_cby", "_mby"} {
		require.Contains(t, item, own)
		delete(item, own)
	}
	require.Equal(t, `{"_state":1,"tags":[],"title":null,"title_de":"Hallo","title_fr":null}`, asJSON(t, item))
}
