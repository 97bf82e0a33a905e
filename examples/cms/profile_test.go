package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/cockpit"
	"github.com/latchkey-go/latchkey/roles"
)

// The profile changes the look of /api/ only.
func TestProfile(t *testing.T) {
	t.Parallel()
	get := func(r *running, method, path string) (*http.Response, string) {
		request, err := http.NewRequestWithContext(t.Context(), method, r.url+path, nil)
		require.NoError(t, err)
		request.Header.Set("api-key", "API-bad")
		response, err := http.DefaultTransport.RoundTrip(request)
		require.NoError(t, err)
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		return response, string(text)
	}
	own := start(t, config{addr: "127.0.0.1:0", db: filepath.Join(t.TempDir(), "cms.db")})
	like := start(t, config{addr: "127.0.0.1:0", db: filepath.Join(t.TempDir(), "cms.db"), profile: "cockpit"})
	for _, path := range []string{"/api/content/items/posts", "/api/gql", "/api/pages/menus", "/api/nope"} {
		response, _ := get(own, "GET", path)
		require.Equal(t, 401, response.StatusCode, path)
		require.Equal(t, "application/problem+json", response.Header.Get("Content-Type"))
		require.Empty(t, response.Header.Get("Access-Control-Allow-Origin"))

		response, body := get(like, "GET", path)
		require.Equal(t, 412, response.StatusCode, path)
		require.Equal(t, `{"error":"Authentication failed"}`, body)
		require.Equal(t, "*", response.Header.Get("Access-Control-Allow-Origin"))
		require.Empty(t, response.Header.Get("Www-Authenticate"))

		response, body = get(like, "OPTIONS", path)
		require.Equal(t, 200, response.StatusCode, path)
		require.Empty(t, body)
	}
	for _, r := range []*running{own, like} {
		for _, path := range []string{"/admin/roles", "/content", "/system/"} {
			response, _ := get(r, "GET", path)
			require.Equal(t, 401, response.StatusCode, path)
			require.Equal(t, "application/problem+json", response.Header.Get("Content-Type"), path)
			require.Empty(t, response.Header.Get("Access-Control-Allow-Origin"), path)
			response, _ = get(r, "OPTIONS", path)
			require.NotEqual(t, 200, response.StatusCode, path)
		}
	}
	_, err := open(t.Context(), config{db: filepath.Join(t.TempDir(), "cms.db"), profile: "Cockpit"}, logTo(t))
	require.ErrorContains(t, err, `unknown profile "Cockpit"`)
}

// The profile does not change which callers are let in, key by key and address by address.
func TestTheProfileLetsInTheSame(t *testing.T) {
	t.Parallel()
	own := start(t, config{addr: "127.0.0.1:0", db: filepath.Join(t.TempDir(), "cms.db"), load: fixture})
	like := start(t, config{addr: "127.0.0.1:0", db: filepath.Join(t.TempDir(), "cms.db"), load: fixture, profile: "cockpit"})
	key := keyOf(t)
	for _, name := range []string{
		"", "root2", "ed", "rea", "dead", "deadadmin", "ghost", "emp", "dra", "pubrole", "orphan", "k-editor", "k-reader", "k-admin", "k-null",
		"k-empty-string", "k-gone", "k-empty", "k-menu", "k-drafter", "k-plain", "k-case", "k-space", "k-utf8", "k-orphan", "public",
	} {
		for _, path := range []string{"/api/content/items/posts", "/api/content/items/secret", "/api/content/item/settings", "/api/content/tree/menu", "/api/gql?query={postsModel{title}}", "/api/gql?query={secretModel{value}}"} {
			status, body := own.ask(t, "GET", path, key(name))
			statusLike, bodyLike := like.ask(t, "GET", path, key(name))
			require.Equal(t, status == 200, statusLike == 200, "%q %s: %d and %d", name, path, status, statusLike)
			if status == 200 {
				require.Equal(t, body, bodyLike, "%q %s", name, path)
			}
		}
	}
}

// The check boxes are Cockpit's: the same permissions for the existing models.
func TestCatalogIsCockpits(t *testing.T) {
	t.Parallel()
	c := config{addr: "127.0.0.1:0", db: filepath.Join(t.TempDir(), "cms.db"), load: fixture}
	start(t, c)
	n := anotherNode(t, c)
	models, err := n.content.Models(t.Context())
	require.NoError(t, err)
	require.Len(t, models, 4)
	var there []cockpit.Model
	for _, m := range models {
		there = append(there, cockpit.Model{Name: m.Name, Label: m.Label, Type: m.Type})
	}
	theirs, err := cockpit.Catalog(there...)
	require.NoError(t, err)
	ours, err := catalog()
	require.NoError(t, err)
	names, err := n.names(t.Context())
	require.NoError(t, err)
	listed := func(groups []roles.Group) (all []string) {
		for _, g := range groups {
			for _, e := range g.Permissions {
				all = append(all, strings.Join([]string{e.Permission, string(e.Effect)}, " "))
			}
		}
		slices.Sort(all)
		return all
	}
	require.Equal(t, listed(theirs.Groups(nil)), listed(ours.Groups(names)))
}

// Queries that differ between engines: lists of ids, empty lists, trees, links, counts, and GraphQL over them.
func TestReadsOnEachEngine(t *testing.T) {
	onEach(t, func(t *testing.T, c config) {
		c.load, c.profile = fixture, "cockpit"
		r, key := start(t, c), keyOf(t)("root2")
		for address, want := range map[string]string{
			`/api/content/items/posts?filter={_id:{$in:['6b048abb686c828f7b21e75e','unknown']}}&fields={title:1,_id:0}`: `[{"title":"Hello"}]`,
			`/api/content/items/posts?filter={_id:{$in:[]}}`:                                                            `[]`,
			`/api/content/items/posts?filter={_id:'a\u0000b'}`:                                                          `[]`,
			`/api/content/items/posts?filter={title:'Hello'}&limit=1&skip=0&fields={title:1,_id:0}`:                     `{"data":[{"title":"Hello"}],"meta":{"total":1}}`,
			`/api/content/items/posts?populate=2&limit=1&fields={link:1,_id:0}`: `[{"link":{"_cby":"6b048ab9686c827207bca091","_created":1795459771,"_id":"6b048abb686c828f7b8e8e24","_mby":"6b048ab9686c827207bca091",` +
				`"_model":"secret","_modified":1795459771,"_state":1,"value":"top secret"}}]`,
			`/api/content/tree/menu?fields={label:1,_id:0}`:                                         `[{"_children":[{"_children":[],"label":"Sub"}],"label":"Home"}]`,
			`/api/content/aggregate/posts?pipeline=[{$sort:{title:-1}},{$project:{title:1,_id:0}}]`: `[{"title":"Second"},{"title":"Hello"}]`,
			`/api/gql?query={postsModel(sort:{title:-1}){title}settingsModel{siteName}}`:            `{"data":{"postsModel":[{"title":"Second"},{"title":"Hello"}],"settingsModel":{"siteName":"My Site"}}}`,
			`/api/content/items/%00`: `""`, // no address: names have no escapes
		} {
			path, parameters, _ := strings.Cut(address, "?")
			values := url.Values{}
			for parameter := range strings.SplitSeq(parameters, "&") {
				name, value, _ := strings.Cut(parameter, "=")
				values.Add(name, value)
			}
			_, body := r.ask(t, "GET", path+"?"+values.Encode(), key)
			text, err := json.Marshal(body)
			require.NoError(t, err)
			expected, err := json.Marshal(json.RawMessage(strings.ReplaceAll(want, "\x00", `\u0000`)))
			require.NoError(t, err)
			require.JSONEq(t, string(expected), string(text), address)
		}
		status, body := r.ask(t, "POST", "/api/content/item/posts", key, `{"data":{"title":"New"}}`)
		require.Equal(t, 200, status)
		require.Contains(t, body, "title_de", "the file's locale is there")
	})
}
