package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/examples/cms/load"
)

// A record that is refused is named with the reason and without its key; the rest is loaded.
func TestWhatIsRefused(t *testing.T) {
	onEach(t, func(t *testing.T, c config) {
		c.load = file(t, `{
			"roles": [
				{"appid": "child", "permissions": {"content/posts/create": true}, "inherits": ["reader"]},
				{"appid": "reader", "permissions": {"content/posts/read": true, "content/site/read": 1, "not a permission": true, "content/*/read": true}, "unknown": 1},
				{"appid": "Admin", "permissions": {"content/posts/read": true}},
				{"appid": "READER", "permissions": {"content/posts/delete": true}},
				{"appid": "lost", "inherits": ["unknown"]},
				{"appid": "none", "permissions": []}
			],
			"users": [
				{"_id": "u1", "user": "first", "role": "reader", "active": true, "apiKey": "USR-0f1e2d3c4b5a69788796a5b4c3d2e1f0aaaaaaa1"},
				{"_id": "u2", "user": "second", "role": "reader", "active": true, "apiKey": "USR-0f1e2d3c4b5a69788796a5b4c3d2e1f0aaaaaaa1"},
				{"_id": "u3", "user": "truthy", "role": "reader", "active": 1, "apiKey": "USR-0f1e2d3c4b5a69788796a5b4c3d2e1f0aaaaaaa3"},
				{"_id": "u4", "user": "odd", "role": "reader", "active": true, "apiKey": "0f1e2d3c4b5a69788796a5b4c3d2e1f0aaaaaaa4"},
				{"_id": "u5", "user": "number", "role": "reader", "active": true, "apiKey": 918273645},
				{"_id": "u1", "user": "twice", "role": "reader", "active": true, "apiKey": "USR-0f1e2d3c4b5a69788796a5b4c3d2e1f0aaaaaaa6"},
				{"_id": "u7", "user": "child", "role": "child", "active": true, "apiKey": "USR-0f1e2d3c4b5a69788796a5b4c3d2e1f0aaaaaaa7"},
				{"_id": "u9", "user": "early", "role": "reader", "active": true},
				{"_id": "u9", "user": "late", "role": "reader", "active": true, "apiKey": "USR-0f1e2d3c4b5a69788796a5b4c3d2e1f0aaaaaaa9"},
				{"_id": "u8", "user": "keyless", "role": 5, "active": true, "apiKey": null}
			],
			"api_keys": [
				{"_id": "k1", "key": "API-0f1e2d3c4b5a69788796a5b4c3d2e1f0bbbbbbb1", "name": "good", "role": "reader"},
				{"_id": "k2", "key": "API-0f1e2d3c4b5a69788796a5b4c3d2e1f0bbbbbbb1", "name": "copy", "role": "admin"},
				{"_id": "k3", "key": "one,two", "name": "comma", "role": "reader"},
				{"_id": "k4", "key": "USR-0f1e2d3c4b5a69788796a5b4c3d2e1f0bbbbbbb4", "name": "kind", "role": "reader"},
				{"key": "API-0f1e2d3c4b5a69788796a5b4c3d2e1f0bbbbbbb5", "name": "nameless", "role": "reader"},
				{"_id": "k6", "key": "Bearer 0f1e2d3c4b5a69788796a5b4c3d2e1f0bbbbbbb6", "name": "scheme", "role": "reader"},
				{"_id": "k7", "key": "", "name": "empty", "role": "reader"},
				{"_id": "k8", "key": "API-0f1e2d3c4b5a69788796a5b4c3d2e1f0bbbbbbb8", "name": "my key is API-0f1e2d3c4b5a69788796a5b4c3d2e1f0bbbbbbb8", "role": "reader"},
				{"_id": "k9", "key": "12345678", "name": "digits", "role": "reader"},
				{"_id": "k10", "key": "API-0f1e2d3c4b5a69788796a5b4c3d2e1f0bbbbbb10", "name": "lost", "role": "lost"},
				{"_id": "k1", "key": "API-0f1e2d3c4b5a69788796a5b4c3d2e1f0bbbbbb11", "name": "same", "role": "admin"}
			],
			"public": "reader",
			"models": [{"name": "posts", "type": "collection"}, {"name": "a/b", "type": "collection"}, {"name": "odd", "type": "graph"}],
			"items": {"posts": [{"_id": "one", "_state": 1, "title": "One"}, {"_id": "a/b", "_state": 1}, {"_id": "two", "_state": "yes"}, null], "gone": [{}]}
		}`)
		r := start(t, c)
		log := r.problems.String()
		for _, want := range []string{
			`new role reader: left out "content/*/read": it is no permission; left out "content/site/read": its value is not true; left out "not a permission": it is no permission`,
			`refused role Admin: `, `refused role READER: its name differs only in case from "reader"`, `refused role lost: inherits from "unknown"`,
			`refused user u1 "twice"`, `refused user u9 "late"`, `new user u3 "truthy": its active is neither true nor false`, `new user u8 "keyless": its role is`,
			`refused key u2 "second": an earlier key has the same text`, `refused key u4 "odd": a user's key begins with USR-`, `refused key u5 "number": its text is no text`,
			`refused key u1 "twice": its user is refused`, `refused key u9 "late": its user is refused`,
			`refused key k2 "copy": an earlier key has the same text`, `refused key k3 "comma"`, `refused key k4 "kind"`, `refused key "nameless": it has no _id`,
			`refused key k6 "scheme"`, `refused key k7 "empty": it has no text`, `refused key k1 "same": an earlier document has this _id`,
			`new key k8: its name holds the text of a key and is not taken`, `new key k9 "digits": it is weak`, `new key k10 "lost": there is no role "lost"`, `warning: 1 keys are weak`,
			`refused: "a/b" is not a valid name`, `refused: model "odd" has the type "graph"`,
			`refused: item 2 of "posts"`, `refused: item 4 of "posts"`, `1 items of "posts" have no known _state`, `refused: 1 items of "gone"`,
			`added 3 roles, 8 users, 7 keys, 1 models and 2 items`,
		} {
			require.Contains(t, log, want)
		}
		for _, key := range []string{"0f1e2d3c4b5a69788796a5b4c3d2e1f0", "918273645", "one,two", "12345678"} {
			require.NotContains(t, log, key)
		}
		require.Equal(t, "k8", recordOf(t, anotherNode(t, c), "k8").ForeignID, "a name that gives the key away is not kept")

		const usr, api = "USR-0f1e2d3c4b5a69788796a5b4c3d2e1f0aaaaaaa", "API-0f1e2d3c4b5a69788796a5b4c3d2e1f0bbbbbbb"
		for key, want := range map[string]int{
			"": 200, usr + "1": 200, usr + "3": 401, "0f1e2d3c4b5a69788796a5b4c3d2e1f0aaaaaaa4": 401, "918273645": 401, usr + "6": 401, usr + "9": 401, usr + "7": 200,
			api + "1": 200, "USR-0f1e2d3c4b5a69788796a5b4c3d2e1f0bbbbbbb4": 401, api + "5": 401, api + "8": 200, "12345678": 200,
			"API-0f1e2d3c4b5a69788796a5b4c3d2e1f0bbbbbb10": 403, "API-0f1e2d3c4b5a69788796a5b4c3d2e1f0bbbbbb11": 401,
		} {
			require.Equal(t, want, r.status(t, "GET", "/api/content/items/posts", key), "%q", key)
		}
		require.Equal(t, 403, r.status(t, "DELETE", "/api/content/item/posts/one", api+"1"), "the copy's role was not added")
		require.Equal(t, []any{"One"}, r.titles(t, "/api/content/items/posts", "", "title"))
	})
}

// The public API opens only with an existing role that only reads, and if the file is consistent about it.
func TestThePublicRoleOfAFile(t *testing.T) {
	t.Parallel()
	const roles = `"roles": [{"appid": "reads", "permissions": {"content/posts/read": true}}, {"appid": "writes", "permissions": {"content/posts/read": true, "content/posts/create": true}}],
		"models": [{"name": "posts", "type": "collection"}]`
	for about, c := range map[string]struct {
		public, said string
		want         int
	}{
		"no word of it":                   {`"x": 0`, "", 401},
		"null":                            {`"public": null`, "", 401},
		"an appid":                        {`"public": "reads"`, "", 200},
		"a document":                      {`"public": {"key": "public", "role": "reads"}`, "", 200},
		"a document among the keys":       {`"api_keys": [{"key": "public", "role": "reads"}]`, "", 200},
		"both":                            {`"public": "reads", "api_keys": [{"key": "public", "role": "reads"}]`, "", 200},
		"two roles":                       {`"public": "reads", "api_keys": [{"key": "public", "role": "writes"}]`, "two documents give different roles", 401},
		"opened by one, closed by other":  {`"public": {"role": "reads"}, "api_keys": [{"key": "public", "role": null}]`, "two documents give different roles", 401},
		"a document with no role":         {`"public": {"key": "public", "role": null}`, "", 401},
		"a role that is not there":        {`"public": "vanished"`, "refused", 401},
		"the super role":                  {`"public": "admin"`, "refused", 401},
		"a role that changes data":        {`"public": "writes"`, "content/posts/create", 401},
		"a document with a role of sorts": {`"public": {"role": true}`, "refused", 401},
	} {
		t.Run(about, func(t *testing.T) {
			r := start(t, config{addr: "127.0.0.1:0", db: filepath.Join(t.TempDir(), "cms.db"), load: file(t, "{"+roles+","+c.public+"}")})
			require.Equal(t, c.want, r.status(t, "GET", "/api/content/items/posts", ""))
			require.Contains(t, r.problems.String(), c.said)
			require.Equal(t, c.said != "", strings.Contains(r.problems.String(), "refused"))
		})
	}
}

// A file that is not valid stops the start, and the error quotes nothing that might be a key.
func TestNoFile(t *testing.T) {
	for _, text := range []string{
		``, `API-SECRET`, `[]`, `{"users": {"apiKey": "API-SECRET"}}`,
		`{"roles": "API-SECRET"}`, `{"public": 918273645}`, `{"models": [{"name": 918273645}]}`, `{"items": {"API-SECRET": 1}}`, `{} API-SECRET`, `{"api_keys": [{"key": "API-SECRET`,
	} {
		_, err := load.Read(strings.NewReader(text))
		require.Error(t, err, text)
		require.NotContains(t, err.Error(), "SECRET")
		require.NotContains(t, err.Error(), "918273645")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for _, name := range []string{file(t, "no JSON"), "there/is/no/such/file"} {
		err := run(ctx, config{addr: "127.0.0.1:0", db: filepath.Join(t.TempDir(), "cms.db"), load: name}, &buffer{}, &buffer{})
		require.Error(t, err)
		require.NoError(t, ctx.Err(), "it did not start")
	}
	_, err := load.Read(strings.NewReader(`{"items": [], "roles": null, "public": null, "about": {"anything": 1}}`))
	require.NoError(t, err, "as PHP writes what is empty")
}
