package content_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/examples/cms/content"
	"github.com/latchkey-go/latchkey/examples/cms/content/form"
)

// Any input is a query or an error in Cockpit's words, and an item never becomes another.
func FuzzQuery(f *testing.F) {
	for _, text := range []string{
		`filter={title:'Hello'}`, `filter={"$or":[{"a":{"$in":[1]}}]}&sort={"a":-1}&limit=1&skip=0`, `fields={"a":1}&populate=3&locale=de`, `filter[a.b]=1`,
		`filter={a:{$regex:"/x/i"}}`, `filter={"_id":{"$in":["a"]}}`,
	} {
		f.Add(text)
	}
	s := openedFor(f)
	m := add(f, s, content.Model{Name: "m", Type: content.Collection}, `[{"_id":"a","_state":1,"a":[1,{"b":"x"}]},{"_id":"secret","_state":0,"a":1}]`)
	f.Fuzz(func(t *testing.T, text string) {
		values, err := form.Parse(text)
		if err != nil {
			return
		}
		q, err := content.ParseQuery(values)
		if err != nil {
			var parameter *content.ParameterError
			require.ErrorAs(t, err, &parameter)
			return
		}
		items, _, err := s.Items(context.Background(), m, q)
		require.NoError(t, err)
		require.LessOrEqual(t, len(items), 1, "drafts are never listed")
		require.NoError(t, s.Populate(context.Background(), items, q, everyModel()))
		_, err = s.Tree(context.Background(), m, "", q)
		require.NoError(t, err)
	})
}

func FuzzPipeline(f *testing.F) {
	for _, text := range []string{`[{"$match":{"a":1}},{"$sort":{"a":1}},{"$limit":1}]`, `[{"$project":{"a":0}},{"$skip":1},{"$count":"n"}]`} {
		f.Add(text)
	}
	s := openedFor(f)
	m := add(f, s, content.Model{Name: "m", Type: content.Collection}, `[{"_id":"a","_state":1,"a":[1]},{"_id":"b","_state":0,"secret":true}]`)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := content.ParsePipeline(json.RawMessage(text), "de")
		if err != nil {
			var pipeline *content.PipelineError
			require.ErrorAs(t, err, &pipeline)
			return
		}
		items, err := s.Aggregate(context.Background(), m, p)
		require.NoError(t, err)
		require.NotContains(t, asJSON(t, items), `"secret"`)
	})
}
