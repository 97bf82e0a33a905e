package content_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/examples/cms/content"
	"github.com/latchkey-go/latchkey/examples/cms/content/form"
)

// add stores a model with items, given as JSON.
func add(t testing.TB, s *content.Store, m content.Model, list string) content.Model {
	t.Helper()
	_, err := s.AddModel(t.Context(), m)
	require.NoError(t, err)
	var items []content.Item
	decoder := json.NewDecoder(strings.NewReader(list))
	decoder.UseNumber()
	require.NoError(t, decoder.Decode(&items))
	n, err := s.AddItems(t.Context(), m, items)
	require.NoError(t, err)
	require.Equal(t, len(items), n)
	return m
}

func query(t testing.TB, text string) content.Query {
	t.Helper()
	values, err := form.Parse(text)
	require.NoError(t, err, text)
	q, err := content.ParseQuery(values)
	require.NoError(t, err, text)
	return q
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return string(text)
}

// The filters of Cockpit's clients, and those that are refused since ignoring them would show too much.
func TestFilters(t *testing.T) {
	s := opened(t)
	m := add(t, s, content.Model{Name: "posts", Type: content.Collection, Fields: []content.Field{{Name: "title", I18n: true}}}, `[
		{"_id": "a", "_state": 1, "title": "Hello <b>", "title_de": "Hallo", "tags": ["x", "y"], "n": 5, "links": [{"url": "/1"}, {"url": "/2"}]},
		{"_id": "b", "_state": 1, "title": "HELLO \"b\"", "title_de": null, "tags": ["z"], "n": 50, "links": []},
		{"_id": "c", "_state": 1, "title": "Ünï", "title_de": "x", "tags": [], "n": null}
	]`)
	for text, want := range map[string]string{
		`filter={title:'Ünï'}`:                                          "c",
		`filter={title: 'Hello <b>', /* why */}`:                        "a",
		`filter={title:"HELLO \"b\""}`:                                  "b",
		`filter=[]`:                                                     "abc",
		`filter={}&sort=[]&fields=[]`:                                   "abc",
		`filter={tags:'x'}`:                                             "a",
		`filter={tags:['z']}`:                                           "b",
		`filter={tags:{$in:['y','z']}}`:                                 "ab",
		`filter={tags:{$nin:['y','z']}}`:                                "c",
		`filter={tags:{$size:1}}`:                                       "b",
		`filter={'links.url':'/2'}`:                                     "a",
		`filter={'links.url':{$exists:true}}`:                           "a",
		`filter={n:{$not:{$gt:10}}}`:                                    "a", // null matches no operator but $exists
		`filter={$nor:[{n:5},{n:50}]}`:                                  "c",
		`filter={title:{$regex:'^hello'}}`:                              "ab",
		`filter={title:{$regex:'/^Hello/'}}`:                            "a",
		`filter={title:{$regex:'/^hello/i'}}`:                           "ab",
		`filter={title:{$regex:'^hello',$options:'i'}}`:                 "ab",
		`filter={tags:{$regex:'^[xy]$'}}`:                               "a",
		`filter={'title:locale':'Hallo'}&locale=de`:                     "a",
		`filter={'title:locale':'Ünï'}`:                                 "c",
		`filter={title_de:'Hallo'}`:                                     "a",
		`filter[n]=5`:                                                   "", // a text, which no number is
		`filter[links.url][$in][]=/2`:                                   "a",
		`filter={_id:'b'}`:                                              "b",
		`filter={_id:{$in:['a','c','none']}}`:                           "ac",
		`filter={_id:{$in:[]}}`:                                         "",
		`filter={_id:'a',title:'Ünï'}`:                                  "",
		`filter={_id:'a\u0000'}`:                                        "",
		`sort={'title:locale':-1}&locale=de&limit=1`:                    "c",
		`limit=2000000000&skip=1`:                                       "bc",
		`limit=9223372036854775807&skip=9223372036854775807&sort={n:1}`: "",
	} {
		items, _, err := s.Items(t.Context(), m, query(t, text))
		require.NoError(t, err, text)
		got := ""
		for _, item := range items {
			got += item.ID()
		}
		require.Equal(t, want, got, text)
	}
	wide := `"0"` + strings.Repeat(`,"0"`, 600)
	for _, text := range []string{
		`filter={'@link':'x'}`, `filter={'@link.@other.value':null}`, `filter[@]=x`, `filter={$lookup:{from:'secret'}}`, `filter={$where:'1'}`,
		`filter={$expr:{}}`, `filter={'':1}`, `filter={a:{$not:1}}`, `filter={a:{$size:'1'}}`, `filter={a:{$options:'i'}}`, `filter={a:{$regex:'/a'}}`,
		`filter={a:{$regex:'/a/e'}}`, `filter={a:{$regex:'a',$options:'-i:'}}`, `filter={a:{$regex:'(a{900}){900}'}}`, `filter={a:{$regex:'` + strings.Repeat("a{99}", 50) + `'}}`,
		`filter={a:{$in:[` + wide + `]}}`, `filter={$or:[` + strings.Repeat(`{a:1},`, 600) + `]}`,
		`filter={a:` + strings.Repeat(`{$not:`, 20) + `{$gt:1}` + strings.Repeat(`}`, 20) + `}`, `filter=` + strings.Repeat(`[`, 1<<16),
		`sort={` + strings.Repeat(`a:1,`, 20) + `}`, `sort={a:[1]}`, `limit=one`, `skip=one`, `populate=x`,
	} {
		values, err := form.Parse(text)
		require.NoError(t, err)
		_, err = content.ParseQuery(values)
		var parameter *content.ParameterError
		require.ErrorAs(t, err, &parameter, "%.100s", text)
	}
}

// A search with all optimizations returns the same as reading all items and checking each.
func TestSearchAgainstReadingAll(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	s, m := opened(t), content.Model{Name: "things", Type: content.Collection}
	_, err := s.AddModel(t.Context(), m)
	require.NoError(t, err)
	words := []string{"", "a", "b", `"`, `<&>`, "é", "\\", "a b", "\u2028"}
	var all []content.Item
	for i := range 200 {
		item := content.Item{"_id": fmt.Sprint("i", i), "_state": json.Number("1"), "n": json.Number(fmt.Sprint(random.IntN(10)))}
		if random.IntN(10) > 0 {
			item["word"] = words[random.IntN(len(words))]
		}
		if random.IntN(2) == 0 {
			item["word"] = []any{item["word"], words[random.IntN(len(words))]}
		}
		all = append(all, item)
	}
	_, err = s.AddItems(t.Context(), m, all)
	require.NoError(t, err)
	holds := func(v any, word string) bool {
		if list, ok := v.([]any); ok {
			return list[0] == word || list[1] == word
		}
		return v == word
	}
	for range 300 {
		word, most, limit, skip := words[random.IntN(len(words))], random.IntN(10), random.IntN(20), random.IntN(20)
		want := []string{}
		for n := range 10 { // sorted by n, and in the order of insertion
			for _, item := range all {
				if holds(item["word"], word) && item["n"] == json.Number(fmt.Sprint(n)) && n < most {
					want = append(want, item.ID())
				}
			}
		}
		total := len(want)
		if limit > 0 { // as in Cockpit, there is no skip without a limit
			want = want[min(skip, total):]
			want = want[:min(limit, len(want))]
		}
		filter := json.RawMessage(asJSON(t, map[string]any{"word": word, "n": map[string]any{"$lt": most}}))
		q, err := content.Options{Filter: filter, Sort: json.RawMessage(`{"n":1}`), Limit: &limit, Skip: &skip}.Query()
		require.NoError(t, err)
		items, counted, err := s.Items(t.Context(), m, q)
		require.NoError(t, err)
		require.Equal(t, total, counted)
		got := []string{}
		for _, item := range items {
			got = append(got, item.ID())
		}
		require.Equal(t, want, got, "%s limit %d skip %d", filter, limit, skip)
	}
}
