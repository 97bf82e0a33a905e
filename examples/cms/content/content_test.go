package content_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/examples/cms/content"
	"github.com/latchkey-go/latchkey/examples/cms/content/form"
)

func opened(t *testing.T) *content.Store { return openedFor(t) }

func openedFor(t testing.TB) *content.Store {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "content.db")+"?_pragma=busy_timeout(5000)&_txlock=immediate")
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	_, err = db.ExecContext(t.Context(), content.Schema(sqlstore.SQLite))
	require.NoError(t, err)
	return content.New(db)
}

// books is a model with items, in this order: two published, one draft.
func books(t *testing.T, s *content.Store) content.Model {
	m := content.Model{Name: "books", Type: content.Collection}
	_, err := s.AddModel(t.Context(), m)
	require.NoError(t, err)
	var items []content.Item
	decoder := json.NewDecoder(strings.NewReader(`[
		{"_id": "b", "_state": 1, "title": "Beta",  "pages": 200, "tags": ["x"], "by": {"name": "Ann"}, "price": 1.50},
		{"_id": "a", "_state": 1, "title": "Alpha", "pages": 90,  "sold": true,  "by": {"name": "Bob"}, "price": 9007199254740993},
		{"_id": "c", "_state": 1, "title": "Gamma", "pages": null, "by": null},
		{"_id": "d", "_state": 0, "title": "Draft", "pages": 1}
	]`))
	decoder.UseNumber()
	require.NoError(t, decoder.Decode(&items))
	n, err := s.AddItems(t.Context(), m, items)
	require.NoError(t, err)
	require.Equal(t, 4, n)
	return m
}

func TestQuery(t *testing.T) {
	s := opened(t)
	m := books(t, s)
	for query, want := range map[string]string{
		"":                                                     "bac",
		`filter={}`:                                            "bac",
		`filter={"title":"Beta"}`:                              "b",
		`filter[title]=Beta`:                                   "b",
		`filter[title]=Beta&filter[_id]=a`:                     "",
		`filter={"title":"beta"}`:                              "",
		`filter={"_state":0}`:                                  "bac", // ignored
		`filter[_state]=0`:                                     "bac",
		`filter={"$or":[{"_state":0}]}`:                        "",
		`filter={"pages":200.0}`:                               "b",
		`filter={"pages":"200"}`:                               "",
		`filter={"pages":null}`:                                "c",
		`filter={"nothing":null}`:                              "bac",
		`filter={"by.name":"Ann"}`:                             "b",
		`filter={"by":{"name":"Ann"}}`:                         "b",
		`filter={"tags":["x"]}`:                                "b",
		`filter={"sold":true}`:                                 "a",
		`filter={"pages":{"$gt":90}}`:                          "b",
		`filter={"pages":{"$gte":90}}`:                         "ba",
		`filter={"pages":{"$lt":200}}`:                         "a",
		`filter={"pages":{"$lte":200,"$gt":90}}`:               "b",
		`filter={"title":{"$gt":"Alpha"}}`:                     "bc",
		`filter={"title":{"$gt":1}}`:                           "bac", // as in SQLite, texts are greater than numbers
		`filter={"pages":{"$eq":90}}`:                          "a",
		`filter={"pages":{"$ne":90}}`:                          "bc",
		`filter={"title":{"$in":["Alpha","Gamma"]}}`:           "ac",
		`filter={"title":{"$nin":["Alpha","Gamma"]}}`:          "b",
		`filter={"sold":{"$exists":true}}`:                     "a",
		`filter={"sold":{"$exists":false}}`:                    "bc",
		`filter={"title":{"$regex":"^(Al|Be)"}}`:               "ba",
		`filter={"pages":{"$regex":"9"}}`:                      "",
		`filter={"$or":[{"title":"Beta"},{"title":"Gamma"}]}`:  "bc",
		`filter={"$and":[{"pages":{"$gt":1}},{"sold":true}]}`:  "a",
		`sort={"title":1}`:                                     "abc",
		`sort={"title":-1}`:                                    "cba",
		`sort={"pages":1}`:                                     "abc", // null is an empty text, and texts come after numbers
		`sort={"nothing":1,"_id":-1}`:                          "cba",
		`limit=2`:                                              "ba",
		`skip=1`:                                               "bac", // as in Cockpit, there is no skip without a limit
		`limit=1&skip=1`:                                       "a",
		`limit=0`:                                              "bac",
		`limit=9&skip=9`:                                       "",
		`sort={"title":1}&limit=1&skip=2`:                      "c",
		`sort={"title":1}&limit=5&skip=9`:                      "",
		`filter={"title":"Beta"}&limit=5&skip=0&locale=de&x=y`: "b",
	} {
		values, err := form.Parse(query)
		require.NoError(t, err, query)
		q, err := content.ParseQuery(values)
		require.NoError(t, err, query)
		items, _, err := s.Items(t.Context(), m, q)
		require.NoError(t, err, query)
		got := ""
		for _, item := range items {
			got += item.ID()
		}
		require.Equal(t, want, got, query)
	}
}

func TestQueriesThatAreRefused(t *testing.T) {
	deep := `{"title":"x"}`
	for range 20 {
		deep = `{"$and":[` + deep + `]}`
	}
	for _, query := range []string{
		"filter={", "filter=", "filter=1", `filter={} {}`, `filter={"$where":"1"}`, `filter={"a":{"$func":"x"}}`,
		`filter={"a":{"$gt":1,"b":2}}`, `filter={"a":{"$in":"x"}}`, `filter={"a":{"$foo":1}}`, `filter={"a":{"$regex":"("}}`,
		`filter={"a":{"$regex":"` + strings.Repeat("a", 2000) + `"}}`, `filter={"$or":{}}`, `filter={"$or":[1]}`, `filter={"$and":[{"$x":1}]}`,
		"filter=" + deep, "filter[$or]=x", "filter[a][$foo]=x", "filter[a][$gt]=x&filter[a][b]=1",
		"sort={", "sort=1", `sort={"a":2}`, `sort={"a":"2"}`, `sort={"a":{}}`, `sort={"a":1} {}`,
		"fields={", "fields=", `fields={"a":2}`, `fields={"a":"2"}`, `fields={"a":1,"b":0}`,
		"limit=x", "limit=1x", "limit=1.5", "skip=x", "locale[]=de", "limit=99999999999999999999",
	} {
		values, err := form.Parse(query)
		require.NoError(t, err, query)
		_, err = content.ParseQuery(values)
		var parameter *content.ParameterError
		require.ErrorAs(t, err, &parameter, query)
		require.True(t, strings.HasPrefix(query, parameter.Name), "%s: %v", query, err)
	}
}

func TestFieldsAndTotal(t *testing.T) {
	s := opened(t)
	m := books(t, s)
	list := func(query string) (string, int) {
		values, err := form.Parse(query)
		require.NoError(t, err)
		q, err := content.ParseQuery(values)
		require.NoError(t, err)
		items, total, err := s.Items(t.Context(), m, q)
		require.NoError(t, err)
		text, err := json.Marshal(items)
		require.NoError(t, err)
		return string(text), total
	}
	got, total := list(`limit=1&skip=0&fields={"title":1}`)
	require.Equal(t, `[{"_id":"b","title":"Beta"}]`, got)
	require.Equal(t, 3, total)
	got, total = list(`limit=1&skip=0&fields={"title":1,"_id":0}&sort={"_id":1}`)
	require.Equal(t, `[{"title":"Alpha"}]`, got)
	require.Equal(t, 3, total)
	got, _ = list(`limit=1&fields={"_id":1}`)
	require.Equal(t, `[{"_id":"b"}]`, got)
	got, _ = list(`filter[_id]=a&fields={"by":0,"sold":0,"_state":0}`)
	require.Equal(t, `[{"_id":"a","pages":90,"price":9007199254740993,"title":"Alpha"}]`, got, "numbers come out as they went in")
	got, _ = list(`filter[_id]=nothing`)
	require.Equal(t, `[]`, got)
}

func TestTranslations(t *testing.T) {
	s := opened(t)
	m := content.Model{Name: "posts", Type: content.Collection, Fields: []content.Field{{Name: "title", I18n: true}, {Name: "title_long"}}}
	_, err := s.AddModel(t.Context(), m)
	require.NoError(t, err)
	require.NoError(t, s.AddLocales(t.Context(), "de", "fr"))
	item, err := s.Create(t.Context(), m, content.Item{"title": "Hello", "title_de": "Hallo", "title_fr": nil, "title_xx": "y", "title_long": "x", "other": 1}, content.Writer{})
	require.NoError(t, err)
	require.NotContains(t, item, "other")
	require.NotContains(t, item, "title_xx", "there is no such locale")
	for locale, want := range map[string]string{"": "Hello", "de": "Hallo", "fr": "Hello", "long": "Hello", "../de": "Hello"} {
		q, err := content.Options{Locale: locale}.Query()
		require.NoError(t, err)
		shown, err := s.Item(t.Context(), m, item.ID(), q)
		require.NoError(t, err)
		require.Equal(t, want, shown["title"], "locale %q", locale)
		require.NotContains(t, shown, "title_de")
		require.Equal(t, "x", shown["title_long"], "which is a field of its own")
	}
}

// Concurrent writers lose nothing, and a singleton stays one item.
func TestManyWriters(t *testing.T) {
	s := opened(t)
	posts, site := content.Model{Name: "posts", Type: content.Collection}, content.Model{Name: "site", Type: content.Singleton}
	item, err := s.Create(t.Context(), posts, content.Item{}, content.Writer{})
	require.NoError(t, err)
	const writers = 8
	var all sync.WaitGroup
	ids := make([]string, writers)
	for i := range writers {
		all.Go(func() {
			for { // many writers may get ErrConflict, and try again
				if _, err := s.Update(t.Context(), posts, item.ID(), content.Item{fmt.Sprint("field", i): true}, content.Writer{}); err == nil {
					break
				}
				require.NoError(t, t.Context().Err())
			}
			only, err := s.Create(t.Context(), site, content.Item{"name": i}, content.Writer{})
			for err != nil && t.Context().Err() == nil {
				only, err = s.Create(t.Context(), site, content.Item{"name": i}, content.Writer{})
			}
			ids[i] = only.ID()
		})
	}
	all.Wait()
	shown, err := s.Item(t.Context(), posts, item.ID(), content.Query{})
	require.NoError(t, err)
	for i := range writers {
		require.Equal(t, true, shown[fmt.Sprint("field", i)])
		require.Equal(t, ids[0], ids[i])
	}
}

func Example() {
	ctx := context.Background()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, content.Schema(sqlstore.SQLite)); err != nil {
		log.Fatal(err)
	}
	store, posts := content.New(db), content.Model{Name: "posts", Type: content.Collection}
	for _, item := range []content.Item{{"title": "Hello"}, {"title": "Plans", "_state": 0}} {
		if _, err := store.Create(ctx, posts, item, content.Writer{UserID: "ada"}); err != nil {
			log.Fatal(err)
		}
	}
	query, err := content.ParseQuery(form.Values{"fields": {Text: `{"title": 1, "_id": 0}`}})
	if err != nil {
		log.Fatal(err)
	}
	published, _, err := store.Items(ctx, posts, query)
	fmt.Println(published, err)
	// Output: [map[title:Hello]] <nil>
}
