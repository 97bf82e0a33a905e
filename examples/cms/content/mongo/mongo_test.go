package mongo_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/examples/cms/content/mongo"
)

func docs(t testing.TB, text string) (all []mongo.Doc) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	require.NoError(t, decoder.Decode(&all), text)
	return all
}

const things = `[
	{"_id": "a", "n": 5, "f": 1.5, "s": "Hello", "b": true, "l": ["x", "y"], "o": {"k": 1}, "p": [{"k": 1, "v": "1"}, {"k": 2, "v": "2"}]},
	{"_id": "b", "n": 0, "f": 2, "s": "12", "b": false, "l": [], "o": null},
	{"_id": "c", "n": null, "s": ""}
]`

// Simple filters compare as SQLite does; others, here made so by $nor, as PHP does. Both are what a real Cockpit does.
func TestTwoWaysToCompare(t *testing.T) {
	for filter, want := range map[string][2]string{
		`{"n": 5}`:                                  {"a", "a"},
		`{"n": "5"}`:                                {"", "a"},
		`{"s": 12}`:                                 {"", "b"},
		`{"n": false}`:                              {"b", "b"},
		`{"b": 1}`:                                  {"a", "a"},
		`{"n": null}`:                               {"c", "c"},
		`{"n": {"$ne": 5}}`:                         {"bc", "b"},
		`{"n": {"$in": [5, null]}}`:                 {"a", "ab"}, // 0 == null
		`{"n": {"$nin": [5]}}`:                      {"bc", "b"},
		`{"n": {"$nin": [5, null]}}`:                {"c", ""},
		`{"n": {"$exists": true}}`:                  {"abc", "ab"},
		`{"f": {"$exists": false}}`:                 {"c", "c"},
		`{"n": {"$gt": "1"}}`:                       {"", "a"},
		`{"s": {"$gt": 1}}`:                         {"abc", "ab"},
		`{"s": {"$gte": "Hello"}}`:                  {"a", "a"},
		`{"l": "x"}`:                                {"a", "a"},
		`{"l": {"$ne": "x"}}`:                       {"bc", "a"},
		`{"l": {"$size": 2}}`:                       {"a", ""},
		`{"l": {"$size": 0}}`:                       {"b", "a"},
		`{"n": {"$type": "int"}}`:                   {"ab", "ab"},
		`{"f": {"$type": "double"}}`:                {"a", "a"},
		`{"l": {"$type": "array"}}`:                 {"ab", ""},
		`{"n": {"$type": "null"}}`:                  {"c", ""},
		`{"$or": []}`:                               {"", ""},
		`{"$and": [{}, {"n": 5}]}`:                  {"a", "a"},
		`{"l": ["x", "y"]}`:                         {"a", "a"},
		`{"s": ["Hello", "other"]}`:                 {"a", "a"},
		`{"o": {"k": "1"}}`:                         {"a", "a"},
		`{"o.k": 1}`:                                {"a", "a"},
		`{"p.k": {"$gt": 1}}`:                       {"a", "a"},
		`{"p.1.v": "2"}`:                            {"a", "a"},
		`{"l.0": "x"}`:                              {"a", "a"},
		`{"s": {"$regex": "^HEL"}}`:                 {"a", "a"},
		`{"s": {"$regex": "/^HEL/"}}`:               {"", ""},
		`{"s": {"$regex": "a/b"}}`:                  {"", ""},
		`{"s": {"$not": "^h"}}`:                     {"bc", "bc"},
		`{"n": {"$not": {"$gt": 1}}}`:               {"b", "b"},
		`{"n": {"$mod": [5, 0]}}`:                   {"ab", "ab"},
		`{"s": {"$text": "helo"}}`:                  {"a", "a"},
		`{"l": {"$all": ["x"]}}`:                    {"", ""},
		`{"p": {"$elemMatch": {"k": 1, "v": "1"}}}`: {"a", "a"},
		`{"p": {"$elemMatch": {"k": 1, "v": "2"}}}`: {"", ""},
		`{"$expr": {"$gt": ["$n", "$f"]}}`:          {"a", "a"},
		`{"$expr": {"$eq": [{"$subtract": ["$n", 5]}, "$b"]}}`:          {"", ""},
		`{"$expr": {"$and": [{"$lt": ["$f", 2]}, {"$ne": ["$n", 0]}]}}`: {"a", "a"},
	} {
		for i, text := range []string{filter, `{"$and": [` + filter + `, {"$nor": [{"none.at.all": 1}]}]}`} {
			c := mongo.Compiler{}
			f, _, err := c.ParseFilter([]byte(text))
			require.NoError(t, err, text)
			got := ""
			for _, doc := range docs(t, things) {
				if f(doc) {
					got += doc["_id"].(string)
				}
			}
			require.Equal(t, want[i], got, text)
		}
	}
}

func TestRefusedFilters(t *testing.T) {
	for text, reason := range map[string]string{
		`{"$where": "1"}`: "$where", `{"$lookup": {}}`: "$lookup", `{"a": {"$func": "x"}}`: "$func", `{"a": {"$gt": 1, "b": 2}}`: `"b"`, `{"a": {}}`: `"a"`,
		`{"$or": {"a": 1}}`: "$or", `{"$nor": [1]}`: "$nor", `{"a.b": {"$in": "x"}}`: "$in", `{"a": {"$regex": "("}}`: "RE2", `{"a": {"$regex": "/a/e"}}`: "RE2",
		`{"a": {"$mod": [0, 1]}}`: "$mod", `{"a": {"$text": {"$language": "x"}}}`: "$language", `{"a": {"$text": ["x"]}}`: "$text", `{"a": {"$has": ["x"]}}`: "$has",
		`{"$expr": {"$function": ["x"]}}`: "$function", `{"$expr": {"$eq": ["$$ROOT", 1]}}`: "$$ROOT", `{"$expr": {"$eq": [1]}}`: "$eq", `{"@a": 1}`: "@a", `{"@a.@b.c": 1}`: "@a.@b.c",
		`{"@a.b":1,"@c.b":1,"@d.b":1,"@e.b":1,"@f.b":1}`: "link", `{"": 1}`: `""`, `{"a.b": {"$type": "date"}}`: "$type",
		`{"a": {"$in": [` + strings.Repeat(`"x",`, 500) + `"x"]}}`: "too many", `{"a": {"$regex": "` + strings.Repeat("a", 1001) + `"}}`: "too long",
		strings.Repeat(`{"$and":[`, 20) + `{}` + strings.Repeat(`]}`, 20): "too deep", `{"$expr":` + strings.Repeat(`{"$not":`, 20) + `1` + strings.Repeat(`}`, 20) + `}`: "too deep",
	} {
		c := mongo.Compiler{}
		_, _, err := c.ParseFilter([]byte(text))
		var refused *mongo.Error
		require.ErrorAs(t, err, &refused, "%.80s", text)
		require.Contains(t, strings.ReplaceAll(refused.Error(), `\"`, `"`), reason, "%.80s", text)
	}
}

func TestPipelines(t *testing.T) {
	most := mongo.Limits{Docs: 10, Bytes: 10_000}
	for text, want := range map[string]string{
		`[{"$group": {"_id": "$b", "n": {"$sum": "$n"}, "all": {"$push": "$_id"}}}]`:                                                                                                         `[{"_id":true,"all":["a"],"n":5},{"_id":false,"all":["b"],"n":0},{"_id":null,"all":["c"],"n":0}]`,
		`[{"$group": {"_id": null, "avg": {"$avg": "$n"}, "min": {"$min": "$n"}, "max": {"$max": "$f"}, "first": {"$first": "$s"}, "last": {"$last": "$s"}, "set": {"$addToSet": "$o.k"}}}]`: `[{"_id":null,"avg":2.5,"first":"Hello","last":"","max":2,"min":0,"set":[1,null]}]`,
		`[{"$group": {"_id": null, "avg": {"$avg": "$s"}}}]`:                                                                                                                                 `[{"_id":null,"avg":12}]`,
		`[{"$match": {"_id": "c"}}, {"$group": {"_id": null, "avg": {"$avg": "$f"}, "sum": {"$sum": "$f"}}}]`:                                                                                `[{"_id":null,"avg":null,"sum":0}]`,
		`[{"$unwind": "$p"}, {"$project": {"p.k": 1}}]`:                                                                                                                                      `[{"_id":"a","p":{"k":1}},{"_id":"a","p":{"k":2}}]`,
		`[{"$unwind": {"path": "$l", "includeArrayIndex": "i", "preserveNullAndEmptyArrays": true}}, {"$project": {"l": 1, "i": 1}}]`:                                                        `[{"_id":"a","i":0,"l":"x"},{"_id":"a","i":1,"l":"y"},{"_id":"b","i":null},{"_id":"c","i":null}]`,
		`[{"$addFields": {"o.x": {"$cond": [{"$gte": ["$n", 1]}, "many", "$s"]}}}, {"$project": {"o": 1, "_id": 0}}]`:                                                                        `[{"o":{"k":1,"x":"many"}},{"o":{"x":"12"}},{"o":{"x":""}}]`,
		`[{"$addFields": {"q": {"$divide": ["$n", "$f"]}, "m": {"$multiply": ["$n", 2, "$s"]}}}, {"$project": {"q": 1, "m": 1, "_id": 0}}]`:                                                  `[{"m":null,"q":3.3333333333333335},{"m":0,"q":0},{"m":null,"q":null}]`,
		`[{"$sort": {"n": -1, "_id": 1}}, {"$limit": 2}, {"$project": {"_id": 1}}]`:                                                                                                          `[{"_id":"a"},{"_id":"b"}]`, // null and 0 are both false
		`[{"$sortByCount": {"$gt": ["$n", 1]}}]`:                                                                                                                                             `[{"_id":false,"count":2},{"_id":true,"count":1}]`,
		`[{"$match": {"n": "5"}}, {"$count": "n"}]`:                                                                                                                                          `[{"n":1}]`,
		`[{"$match": {"n": 7}}, {"$count": "n"}]`:                                                                                                                                            `[]`,
		`[{"$project": {"x": "$n", "s": 1}}, {"$skip": 2}]`:                                                                                                                                  `[{"_id":"c","s":""}]`,
	} {
		c := mongo.Compiler{}
		p, err := c.ParsePipeline([]byte(text))
		require.NoError(t, err, text)
		before := docs(t, things)
		got, err := p.Run(t.Context(), before, most)
		require.NoError(t, err, text)
		encoded, err := json.Marshal(append([]mongo.Doc{}, got...))
		require.NoError(t, err, text)
		require.Equal(t, want, string(encoded), text)
		require.Equal(t, docs(t, things), before, "the documents that go in are not changed")
	}
	for _, text := range []string{
		`[{"$lookup": {}}]`, `[{"$out": "x"}]`, `[{"$merge": "x"}]`, `[{"$facet": {}}]`, `[{"$group": {"n": {"$sum": 1}}}]`, `[{"$group": {"_id": 1, "n": {"$function": 1}}}]`,
		`[{"$group": {"_id": 1, "n": 1}}]`, `[{"$unwind": "l"}]`, `[{"$unwind": {"path": "$l", "x": 1}}]`, `[{"$match": {"@a.b": 1}}]`, `[{"$addFields": {"$a": 1}}]`, `[{"$sort": {}}]`, `[1]`, `[null]`, `{}`,
		`[` + strings.Repeat(`{"$skip":0},`, 20) + `{"$skip":0}]`,
	} {
		c := mongo.Compiler{}
		_, err := c.ParsePipeline([]byte(text))
		var refused *mongo.Error
		require.ErrorAs(t, err, &refused, text)
	}
}

// A pipeline that makes much of little ends with an error, and soon.
func TestPipelinesAreBounded(t *testing.T) {
	double := strings.Repeat(`{"$addFields":{"b.x":"$b","b.y":"$b"}},`, 19) + `{"$skip":0}`
	many := strings.TrimSuffix(strings.Repeat(`1,`, 1000), ",")
	for _, text := range []string{
		`[` + double + `]`, `[{"$addFields":{"l":[` + many[:600] + `0]}},{"$unwind":"$l"},{"$addFields":{"l":[1,2,3,4,5,6,7,8]}},{"$unwind":"$l"}]`,
	} {
		c := mongo.Compiler{}
		p, err := c.ParsePipeline([]byte(text))
		require.NoError(t, err)
		_, err = p.Run(t.Context(), docs(t, `[{"b": {"text": "some text"}}]`), mongo.Limits{Docs: 1000, Bytes: 1 << 20})
		require.ErrorIs(t, err, mongo.ErrTooMuch)
	}
	c := mongo.Compiler{}
	p, err := c.ParsePipeline([]byte(`[{"$match":{"a":1}}]`))
	require.NoError(t, err)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = p.Run(gone, docs(t, `[{}]`), mongo.Limits{Docs: 1, Bytes: 1})
	require.ErrorIs(t, err, context.Canceled)
}
