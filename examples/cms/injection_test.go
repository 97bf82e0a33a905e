package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// hostile are texts that would break out of SQL, of a path, of JSON, of PHP or of a template if they were pasted into
// one.
var hostile = []string{
	`'`, `"`, `') --`, `' OR '1'='1`, `" OR 1=1 --`, `'; DROP TABLE cms_items; --`, `title') OR state = 0 --`, `x' UNION SELECT document FROM cms_items --`,
	`$.title`, `$["title"]`, `document`, `state`, `_state`, `%`, `_`, `\`, `\u0000`, "\x00", "\xff", `$where`, `$lookup`, `$func`, `$$ROOT`, `$$CURRENT._state`,
	`@link`, `@link._state`, `@secret.value`, `../secret`, `secret`, `content/collections/secret`, `cms_models`, `latchkey_keys`, `{{7*7}}`, `${7*7}`, `__proto__`,
	`.`, `..`, `a.`, `.a`, `a..b`, `[`, `]`, `{`, `}`, `:locale`, `_id`, `link._id`, `phpinfo()`, `system("id")`, `/e`, `(?{1})`, `(a+)+$`,
}

// Hostile texts in each name and operator of a query reach no other model and no draft, and break nothing. The caller
// may read posts alone.
func TestInjection(t *testing.T) {
	places := []string{
		`filter={"TEXT":"x"}`, `filter={"title":"TEXT"}`, `filter={"title":{"TEXT":"x"}}`, `filter={"title":{"$TEXT":["x"]}}`, `filter={"TEXT":{"$ne":null}}`,
		`filter={"title":{"$regex":"TEXT"}}`, `filter={"title":{"$text":"TEXT"}}`, `filter={"title":{"$type":"TEXT"}}`, `filter={"title":{"$in":["TEXT"]}}`,
		`filter={"$or":[{"TEXT":1},{"title":{"$not":{"$eq":"TEXT"}}}]}`, `filter={"$TEXT":[{}]}`, `filter={"@link.TEXT":{"$exists":true}}`, `filter={"@TEXT.value":"top secret"}`,
		`filter={"$expr":{"$eq":["$TEXT","x"]}}`, `filter={"$expr":{"$TEXT":["x","x"]}}`, `filter={"link.TEXT":{"$gte":0}}`, `filter[TEXT]=x`, `filter[title][TEXT]=x`, `filter[TEXT][$ne]=x`,
		`sort={"TEXT":1}`, `sort={"title":"TEXT"}`, `sort[TEXT]=-1`, `fields={"TEXT":1}`, `fields={"TEXT":0}`, `fields={"title":"TEXT"}`, `fields[TEXT]=1`, `locale=TEXT`, `limit=TEXT`, `populate=TEXT`,
		`TEXT=1`, `models={"TEXT":{}}`, `models={"x":{"model":"TEXT"}}`, `parent=TEXT`,
	}
	stages := []string{
		`{"TEXT":{}}`, `{"$TEXT":{}}`, `{"$match":{"TEXT":1}}`, `{"$match":{"title":{"TEXT":1}}}`, `{"$match":{"$nor":[{"TEXT":"x"}]}}`, `{"$match":{"@link.TEXT":{"$exists":true}}}`,
		`{"$project":{"TEXT":1}}`, `{"$project":{"x":"$TEXT"}}`, `{"$sort":{"TEXT":1}}`, `{"$group":{"_id":"$TEXT","n":{"$sum":1}}}`, `{"$group":{"_id":null,"TEXT":{"$push":"$title"}}}`,
		`{"$group":{"_id":null,"x":{"TEXT":"$title"}}}`, `{"$group":{"_id":null,"x":{"$push":"$TEXT"}}}`, `{"$unwind":"$TEXT"}`, `{"$unwind":{"path":"$title","includeArrayIndex":"TEXT"}}`,
		`{"$addFields":{"TEXT":"x"}}`, `{"$addFields":{"x":"$TEXT"}}`, `{"$addFields":{"x":{"TEXT":["$title",1]}}}`, `{"$addFields":{"x":{"_model":"TEXT","_id":"6b048abb686c828f7b8e8e24"}}}`,
		`{"$sortByCount":"$TEXT"}`, `{"$count":"TEXT"}`, `{"$limit":"TEXT"}`,
		`{"$lookup":{"from":"TEXT","localField":"link._id","foreignField":"_id","as":"x"}}`, `{"$out":"TEXT"}`, `{"$merge":"TEXT"}`, `{"$unionWith":"TEXT"}`,
	}
	onEach(t, func(t *testing.T, c config) {
		r, key := startReplay(t, c, fixture), keyOf(t)("k-reader")
		asked, answered := 0, 0
		ask := func(address, query string) {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+address, nil)
			require.NoError(t, err)
			request.URL.RawQuery = query
			request.Header.Set("api-key", key)
			response, err := http.DefaultTransport.RoundTrip(request)
			require.NoError(t, err)
			body, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			response.Body.Close()
			require.Less(t, response.StatusCode, 500, "%s?%s: %s", address, query, body)
			for _, other := range []string{"top secret", "draft secret", "unpublished", "archived", "My Site", `"Draft"`, `"Archived"`, "/sub"} {
				require.NotContains(t, string(body), other, "%s?%s", address, query)
			}
			if asked++; response.StatusCode == http.StatusOK {
				answered++
			}
		}
		for _, text := range hostile {
			quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text)
			for _, place := range places {
				name, value, _ := strings.Cut(strings.ReplaceAll(place, "TEXT", quoted), "=")
				query := url.QueryEscape(name) + "=" + url.QueryEscape(value) + "&populate=2"
				if name == "models" {
					ask("/api/content/items", query)
				} else {
					ask("/api/content/items/posts", query)
				}
			}
			for _, stage := range stages {
				pipeline := `[` + strings.ReplaceAll(stage, "TEXT", quoted) + `]`
				ask("/api/content/aggregate/posts", "populate=2&pipeline="+url.QueryEscape(pipeline))
			}
		}
		require.Greater(t, answered, asked/20, "of %d: some are ordinary names", asked)
		models, err := r.screen.content.Models(t.Context())
		require.NoError(t, err)
		require.Len(t, models, 4, "nothing was changed")
		for _, name := range []string{"posts", "secret", "menu", "settings"} {
			before := recordedItems(t, name)
			model, err := r.screen.content.Model(t.Context(), name)
			require.NoError(t, err)
			_, total, err := r.screen.content.Page(t.Context(), model, true, 1, 0)
			require.NoError(t, err)
			require.Equal(t, before, total, name)
		}
	})
}

// recordedItems is how many items of a model the fixture has.
func recordedItems(t *testing.T, model string) int {
	t.Helper()
	text, err := os.ReadFile(fixture)
	require.NoError(t, err)
	var documents struct{ Items map[string][]any }
	require.NoError(t, json.Unmarshal(text, &documents))
	return len(documents.Items[model])
}
