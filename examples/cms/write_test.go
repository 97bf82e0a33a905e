package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// One role for each verb, so that no verb can stand in for another.
const verbs = `{
	"roles": [
		{"appid": "reads", "permissions": {"content/posts/read": true, "content/drafts/read": true, "content/site/read": true}},
		{"appid": "creates", "permissions": {"content/posts/create": true, "content/site/create": true}},
		{"appid": "updates", "permissions": {"content/posts/update": true, "content/site/update": true}},
		{"appid": "deletes", "permissions": {"content/posts/delete": true}},
		{"appid": "publishes", "permissions": {"content/posts/publish": true}},
		{"appid": "writes", "inherits": ["creates", "updates", "publishes"], "permissions": {"content/site/publish": true}}
	],
	"api_keys": [
		{"_id": "k1", "key": "API-0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d31", "name": "reads", "role": "reads"},
		{"_id": "k2", "key": "API-0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d32", "name": "creates", "role": "creates"},
		{"_id": "k3", "key": "API-0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d33", "name": "updates", "role": "updates"},
		{"_id": "k4", "key": "API-0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d34", "name": "deletes", "role": "deletes"},
		{"_id": "k5", "key": "API-0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d35", "name": "publishes", "role": "publishes"},
		{"_id": "k6", "key": "API-0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d36", "name": "writes", "role": "writes"},
		{"_id": "k7", "key": "API-0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d37", "name": "admin", "role": "admin"}
	],
	"users": [{"_id": "u1", "user": "ann", "name": "Ann", "role": "writes", "active": true, "apiKey": "USR-0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d38"}],
	"models": [
		{"name": "posts", "type": "collection", "fields": [{"name": "title"}, {"name": "body"}]},
		{"name": "site", "type": "singleton", "fields": [{"name": "name"}, {"name": "tag"}]}
	],
	"items": {"posts": [{"_id": "one", "_state": 1, "title": "One"}, {"_id": "draft", "_state": 0, "title": "Draft"}]}
}`

func TestEachVerbIsItsOwn(t *testing.T) {
	onEach(t, func(t *testing.T, c config) {
		c.load = file(t, verbs)
		r := start(t, c)
		const reads, creates, updates, deletes, publishes, writes, admin, ann = "reads", "creates", "updates", "deletes", "publishes", "writes", "admin", "ann"
		key := map[string]string{ann: "USR-0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d38", "": ""}
		for i, name := range []string{reads, creates, updates, deletes, publishes, writes, admin} {
			key[name] = "API-0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3" + string(rune('1'+i))
		}
		const posts, site = "/api/content/item/posts", "/api/content/item/site"
		for _, c := range []struct {
			method, path, body string
			may                []string
		}{
			{"GET", posts + "/one", "", []string{reads, admin}},
			{"GET", "/api/content/items/posts", "", []string{reads, admin}},
			{"POST", posts, `{"data":{"title":"x"}}`, []string{creates, writes, admin, ann}},
			{"POST", posts, `{"data":{"_id":null,"title":"x"}}`, []string{creates, writes, admin, ann}},
			{"POST", posts, `{"data":{"_id":"one","title":"One"}}`, []string{updates, writes, admin, ann}},
			{"POST", site, `{"data":{"name":"x"}}`, []string{creates, writes, admin, ann}},
			{"DELETE", posts + "/nothing", "", []string{deletes, admin}},
		} {
			for name, k := range key {
				want := 403
				if name == "" {
					want = 401
				}
				for _, may := range c.may {
					if may == name {
						want = 200
					}
				}
				status, body := r.ask(t, c.method, c.path, k, c.body)
				require.Equal(t, want, status, "%s %s %s as %q: %v", c.method, c.path, c.body, name, body)
			}
		}

		for _, c := range []struct {
			about, method, path, key, body string
			want                           int
		}{
			{"unknown model", "GET", "/api/content/items/nothing", admin, "", 404},
			{"unknown model", "POST", "/api/content/item/nothing", admin, `{"data":{}}`, 404},
			{"an unknown model", "GET", "/api/content/items/drafts", reads, "", 404},
			{"a singleton is not deleted", "DELETE", site + "/x", admin, "", 405},
			{"a draft is not shown", "GET", posts + "/draft", admin, "", 404},
			{"no data", "POST", posts, admin, `{}`, 400},
			{"no data for strangers either", "POST", posts, "", `{}`, 401},
			{"data of another kind", "POST", posts, admin, `{"data":[]}`, 400},
			{"no JSON", "POST", posts, admin, `{`, 400},
			{"two values", "POST", posts, admin, `{"data":{}} {"data":{}}`, 400},
			{"too much", "POST", posts, admin, `{"data":{"title":"` + strings.Repeat("x", 1<<20) + `"}}`, 413},
			{"no such item", "POST", posts, admin, `{"data":{"_id":"nothing","title":"x"}}`, 404},
			{"an _id that is none", "POST", posts, admin, `{"data":{"_id":7,"title":"x"}}`, 404},
			{"an _id that is no text", "GET", posts + "/%00", reads, "", 404},
			{"an _id that is no text", "DELETE", posts + "/%ff", admin, "", 200},
			{"an _id that is no text", "POST", posts, admin, `{"data":{"_id":"\u0000"}}`, 404},
			{"a state that is a text", "POST", posts, admin, `{"data":{"title":"x","_state":"1"}}`, 400},
			{"no such state", "POST", posts, admin, `{"data":{"title":"x","_state":2}}`, 400},
			{"a bad filter", "GET", "/api/content/items/posts?filter={", reads, "", 400},
			{"an operator that is none", "GET", `/api/content/items/posts?filter={"title":{"$func":"x"}}`, reads, "", 400},
			{"a limit that is none", "GET", "/api/content/items/posts?limit=x", reads, "", 400},
			{"deletes", "DELETE", posts + "/draft", deletes, "", 200},
			{"a key in the query", "GET", "/api/content/items/posts?api_key=" + key[reads], "", "", 400},
			{"another model by a trick", "GET", "/api/content/items/posts%2f..%2fsite", reads, "", 403},
		} {
			status, body := r.ask(t, c.method, strings.ReplaceAll(c.path, `"`, "%22"), key[c.key], c.body)
			require.Equal(t, c.want, status, "%s: %v", c.about, body)
		}
	})
}

func TestStateNeedsPublish(t *testing.T) {
	onEach(t, func(t *testing.T, c config) {
		c.load = file(t, verbs)
		r := start(t, c)
		const key, posts = "API-0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3", "/api/content/item/posts"
		const reads, creates, updates, writes, admin, ann = key + "1", key + "2", key + "3", key + "6", key + "7", "USR-0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d38"
		save := func(path, key, body string) map[string]any {
			t.Helper()
			status, item := r.ask(t, "POST", path, key, body)
			require.Equal(t, 200, status, "%v", item)
			return item.(map[string]any)
		}
		item := save(posts, creates, `{"data":{"title":"A","_state":0,"_cby":"forged","_created":1,"evil":true}}`)
		require.Equal(t, 0.0, item["_state"], "a new item may be a draft without the right to publish")
		require.Equal(t, 404, r.status(t, "GET", posts+"/"+item["_id"].(string), reads))
		require.Nil(t, item["_cby"], "a custom key has no user")
		require.Greater(t, item["_created"], 1e9)
		require.NotContains(t, item, "evil", "the model has no such field")
		require.Contains(t, item, "body")
		require.Regexp(t, `^[0-9a-f]{24}$`, item["_id"])
		for _, state := range []string{`null`, `"0"`, `false`, `0.0`, `-2`} {
			status, _ := r.ask(t, "POST", posts, creates, `{"data":{"title":"C","_state":`+state+`}}`)
			require.Equal(t, 400, status, state)
		}
		item = save(posts, creates, `{"data":{"title":"A"}}`)
		require.Equal(t, 1.0, item["_state"], "without a _state a new item is published")
		id := item["_id"].(string)

		status, refused := r.ask(t, "POST", posts, updates, `{"data":{"_id":"`+id+`","_state":0,"body":"hidden"}}`)
		require.Equal(t, 403, status, "a published item takes nothing that asks to be a draft")
		require.Contains(t, fmt.Sprint(refused), "content/posts/publish")
		sent := save(posts, updates, `{"data":{"_id":"`+id+`","_state":1,"body":"b","_mby":"forged"}}`)
		require.Equal(t, map[string]any{"_id": id, "body": "b", "_modified": sent["_modified"], "_mby": nil}, sent, "what was sent, and who when")
		require.Equal(t, 200, r.status(t, "GET", posts+"/"+id, reads), "still published")
		_, shown := r.ask(t, "GET", posts+"/"+id, reads)
		require.Equal(t, "A", shown.(map[string]any)["title"], "what was not sent stays")
		require.Equal(t, "b", shown.(map[string]any)["body"])

		sent = save(posts, ann, `{"data":{"_id":"`+id+`","_state":0}}`)
		require.Equal(t, 0.0, sent["_state"])
		require.Equal(t, "u1", sent["_mby"])
		require.Equal(t, 404, r.status(t, "GET", posts+"/"+id, admin), "now a draft, for all callers")
		require.NotContains(t, r.titles(t, "/api/content/items/posts", admin, "title"), "A")
		save(posts, updates, `{"data":{"_id":"`+id+`","_state":1}}`)
		require.Equal(t, 404, r.status(t, "GET", posts+"/"+id, admin), "and stays one")

		hidden := save(posts, writes, `{"data":{"title":"B","_state":0}}`)
		require.Equal(t, 404, r.status(t, "GET", posts+"/"+hidden["_id"].(string), admin))

		const site = "/api/content/item/site"
		require.Equal(t, 404, r.status(t, "GET", site, reads), "there is none yet")
		first := save(site, ann, `{"data":{"name":"Mine","tag":"t","_state":0}}`)
		require.Equal(t, 404, r.status(t, "GET", site, reads), "a draft")
		second := save(site, creates, `{"data":{"name":"Yours","_state":1}}`)
		require.Equal(t, first["_id"], second["_id"], "there is only one")
		require.Equal(t, "u1", second["_cby"])
		require.Nil(t, second["tag"], "without an _id it is written anew")
		require.Equal(t, 404, r.status(t, "GET", site, reads), "a writer without permission to publish does not publish a draft by writing it again")
		save(site, writes, `{"data":{"_id":"`+first["_id"].(string)+`","_state":1}}`)
		_, shown = r.ask(t, "GET", site, reads)
		require.Equal(t, "Yours", shown.(map[string]any)["name"])
		status, _ = r.ask(t, "POST", site, creates, `{"data":{"name":"Hidden","_state":0}}`)
		require.Equal(t, 403, status, "a published singleton takes nothing that asks to be a draft")
		_, shown = r.ask(t, "GET", site, reads)
		require.Equal(t, "Yours", shown.(map[string]any)["name"])
	})
}
