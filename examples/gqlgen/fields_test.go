package main

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/latchkey-go/latchkey/graphqlauth"
	"github.com/latchkey-go/latchkey/publicapi"
)

type vars = map[string]any

// A verdict is the expected outcome of an operation: the status, and the error code of each coordinate.
type verdict struct {
	role   string
	status int
	codes  map[string]string
}

func ok(role string) verdict { return verdict{role, http.StatusOK, map[string]string{}} }

// partly is an answer in which some coordinates are denied.
func partly(role string, codes ...string) verdict {
	v := ok(role)
	for i := 0; i < len(codes); i += 2 {
		v.codes[codes[i]] = codes[i+1]
	}
	return v
}

// refused is an operation that is refused as a whole.
func refused(role, coordinate, code string) verdict {
	v := partly(role, coordinate, code)
	v.status = map[string]int{no: http.StatusForbidden, who: http.StatusUnauthorized}[code]
	return v
}

const no, who = "FORBIDDEN", "UNAUTHENTICATED"

func TestWhoGetsWhat(t *testing.T) {
	w := standard(t)
	for _, c := range []struct {
		name, query string
		variables   vars
		verdicts    []verdict
	}{
		{"a field", `{ posts { title } }`, nil, []verdict{ok(""), ok("posts"), refused("nothing", "Query.posts", no)}},
		{"a guarded field", `{ secret { title } }`, nil, []verdict{
			refused("", "Query.secret", who), refused("posts", "Query.secret", no), ok("reader"), ok("editor")}},
		{"a public field beside it", `{ version secret { title } }`, nil, []verdict{
			partly("", "Query.secret", who), partly("nothing", "Query.secret", no), ok("reader")}},
		{"a field of a list's items, one error for all", `{ posts { title notes } }`, nil, []verdict{
			partly("", "Post.notes", who), partly("reader", "Post.notes", no), ok("editor")}},
		{"any good key", `{ me { name } }`, nil, []verdict{refused("", "Query.me", who), ok("nothing")}},
		{"no rule", `{ authors { name } }`, nil, []verdict{refused("", "Query.authors", who), ok("nothing")}},
		{"@public", `{ version }`, nil, []verdict{ok(""), ok("nothing")}},
		{"scopes", `{ report { posts drafts } }`, nil, []verdict{
			refused("", "Query.report", who), refused("posts", "Query.report", no), ok("drafts"), ok("reports"), ok("reader")}},

		{"an interface", `{ node(id: "post-1") { id ... on Post { title } } }`, nil, []verdict{ok(""), ok("posts")}},
		{"a union", `{ search(text: "public") { ... on Post { title } } }`, nil, []verdict{ok(""), ok("posts")}},
		{"__typename is free", `{ __typename version }`, nil, []verdict{ok(""), ok("nothing")}},
		{"introspection", `{ __schema { types { name } } }`, nil, []verdict{
			refused("", "Query.__schema", who), refused("reader", "Query.__schema", no), ok("editor")}},
		{"introspection of a type", `{ __type(name: "Secret") { name } }`, nil, []verdict{
			refused("", "Query.__type", who), refused("reader", "Query.__type", no), ok("editor")}},

		{"an argument that is not there", `query ($d: Boolean) { posts(drafts: $d) { title } }`, nil, []verdict{ok("")}},
		{"an argument", `{ posts(drafts: true) { title } }`, nil, []verdict{
			refused("", "Query.posts(drafts:)", who), refused("posts", "Query.posts(drafts:)", no), ok("drafts")}},
		{"an argument in a variable", `query ($d: Boolean) { posts(drafts: $d) { title } }`, vars{"d": false}, []verdict{
			refused("", "Query.posts(drafts:)", who), refused("posts", "Query.posts(drafts:)", no), ok("drafts")}},
		{"an argument that is null", `{ posts(drafts: null) { title } }`, nil, []verdict{refused("", "Query.posts(drafts:)", who), ok("drafts")}},
		{"a permission from an argument", `query ($m: String!) { entry(model: $m, id: "author-1") { title } }`, vars{"m": "authors"}, []verdict{
			refused("", "Query.entry", who), refused("posts", "Query.entry", no), ok("reader")}},
		{"another one", `{ entry(model: "posts", id: "post-1") { title } }`, nil, []verdict{ok(""), ok("posts")}},
		{"two of them", `{ a: entry(model: "posts", id: "post-1") { title } b: entry(model: "secret", id: "secret-1") { title } }`, nil,
			[]verdict{partly("posts", "Query.entry", no), ok("reader")}},

		{"a mutation", `mutation { createPost(input: {title: "x"}) { id } }`, nil, []verdict{
			refused("", "Mutation.createPost", who), refused("reader", "Mutation.createPost", no), ok("author"), ok("editor")}},
		{"an input field", `mutation { createPost(input: {title: "x", featured: true}) { id } }`, nil, []verdict{
			refused("author", "NewPost.featured", no), ok("editor")}},
		{"an input field in a variable", `mutation ($in: NewPost!) { createPost(input: $in) { id } }`, vars{"in": vars{"title": "x", "featured": nil}}, []verdict{
			refused("author", "NewPost.featured", no), ok("editor")}},
		{"an input field in a list in an object", `mutation ($t: NewTag!) { createPost(input: {title: "x", tags: [{name: "a"}, $t]}) { id } }`,
			vars{"t": vars{"name": "b", "official": true}}, []verdict{refused("author", "NewTag.official", no), ok("editor")}},
		{"an input field in one object where a list may be", `mutation { createPost(input: {title: "x", tags: {name: "a", official: true}}) { id } }`, nil, []verdict{
			refused("author", "NewTag.official", no), ok("editor")}},
		{"the same in a variable", `mutation ($in: NewPost!) { createPost(input: $in) { id } }`, vars{"in": vars{"title": "x", "tags": vars{"name": "a", "official": false}}}, []verdict{
			refused("author", "NewTag.official", no), ok("editor")}},
		{"an input field in a variable's default", `mutation ($in: NewPost! = {title: "x", featured: true}) { createPost(input: $in) { id } }`, nil, []verdict{
			refused("author", "NewPost.featured", no), ok("editor")}},
		{"an input field by a variable with a default", `mutation ($f: Boolean = false) { createPost(input: {title: "x", featured: $f}) { id } }`, nil, []verdict{
			refused("author", "NewPost.featured", no), ok("editor")}},
		{"an input field by a variable that is not there", `mutation ($f: Boolean) { createPost(input: {title: "x", featured: $f}) { id } }`, nil, []verdict{ok("author")}},
		{"a permission from a variable's default", `query ($m: String! = "secret") { entry(model: $m, id: "secret-1") { title } }`, nil, []verdict{
			refused("posts", "Query.entry", no), ok("reader")}},
		{"an input without them", `mutation ($in: NewPost!) { createPost(input: $in) { id } }`, vars{"in": vars{"title": "x", "tags": []vars{{"name": "a"}}}}, []verdict{
			refused("", "Mutation.createPost", who), ok("author")}},
		{"a field of what a mutation returns", `mutation { createPost(input: {title: "x"}) { id notes } }`, nil, []verdict{
			refused("author", "Post.notes", no), ok("editor")}},
		{"a public mutation", `mutation { like(id: "post-1") }`, nil, []verdict{ok(""), ok("nothing")}},
	} {
		for _, want := range c.verdicts {
			t.Run(c.name+" as "+want.role, func(t *testing.T) {
				a := w.ask(want.role, c.query, c.variables)
				require.Equal(t, want.status, a.status, a.raw)
				require.Equal(t, want.codes, a.codes(), a.raw)
				if want.status != http.StatusOK {
					require.Empty(t, a.Data)
					require.Zero(t, a.resolved, "a resolver ran")
				}
				for _, e := range a.Errors {
					require.Equal(t, e.Extensions["code"] == no, e.Extensions["permission"] != nil, "a key hears what is missing: %s", a.raw)
				}
			})
		}
	}
}

// A denied field is null; all other fields are answered.
func TestPartialAnswers(t *testing.T) {
	w := standard(t)
	a := w.ask("", `{ posts { id notes } secret { title } version }`, nil)
	require.Equal(t, map[string]any{
		"posts":   []any{vars{"id": "post-2", "notes": nil}, vars{"id": "post-1", "notes": nil}},
		"secret":  nil,
		"version": "1",
	}, a.Data)
	require.Len(t, a.Errors, 2, "one for each coordinate: %s", a.raw)
	require.EqualValues(t, 2, a.resolved)
}

// A rule on a type holds on every path to the type.
func TestASecretBehindAnInterfaceOrAUnion(t *testing.T) {
	w := standard(t)
	title := w.blog.Secret().Title
	for _, query := range []string{
		`{ node(id: "secret-1") { id ... on Secret { title } } }`,
		`{ node(id: "secret-1") { id } }`,
		`{ node(id: "secret-1") { ...F } } fragment F on Node { ... on Secret { a: title b: title } }`,
		`query ($id: ID!) { version n: node(id: $id) { ... on Node { ... on Secret { title @include(if: true) } } } }`,
	} {
		for role, code := range map[string]string{"": who, "posts": no} {
			a := w.ask(role, query, vars{"id": "secret-1"})
			require.NotContains(t, a.raw, title, "%q %s", role, query)
			require.NotContains(t, a.raw, "secret-1", "%q %s", role, query)
			require.NotEmpty(t, a.Errors, "%q %s", role, query)
			require.Equal(t, code, a.Errors[0].Extensions["code"])
		}
		a := w.ask("reader", query, vars{"id": "secret-1"})
		require.Empty(t, a.Errors, a.raw)
	}

	a := w.ask("posts", `{ search(text: "key") { __typename ... on Post { title } ... on Secret { title } } }`, nil)
	require.Equal(t, map[string]any{"__typename": "Post", "title": "Keys and locks"}, a.Data["search"].([]any)[0], a.raw)
	require.NotContains(t, a.raw, title)
	require.NotEmpty(t, a.Errors)
	a = w.ask("reader", `{ search(text: "key") { ... on Post { title } ... on Secret { title } } }`, nil)
	require.Empty(t, a.Errors)
	require.Contains(t, a.raw, title)
}

// A value that is not a single segment never becomes part of a permission.
func TestModelsThatAreNoSegment(t *testing.T) {
	w := standard(t)
	for _, model := range []any{"", "*", "**", "posts/read", "../posts", "posts ", "Posts\x00", strings.Repeat("a", 65), "posts/../secret", "é"} {
		for role, status := range map[string]int{"": 401, "reader": 403, "editor": 403} {
			a := w.ask(role, `query ($m: String!) { entry(model: $m, id: "post-1") { title } }`, vars{"m": model})
			require.Equal(t, status, a.status, "%q %q: %s", role, model, a.raw)
			require.Zero(t, a.resolved)
		}
	}
}

// A bad credential is refused before GraphQL runs, for each operation.
func TestBadKeys(t *testing.T) {
	w := standard(t)
	require.NoError(t, w.ring.Invalidate(t.Context(), w.ids["editor"]))
	w.keys["junk"], w.keys["spoilt"] = "junk", w.keys["reader"][:43]+"x"
	for _, role := range []string{"editor", "junk", "spoilt"} {
		a := w.ask(role, `{ version }`, nil)
		require.Equal(t, http.StatusUnauthorized, a.status)
		require.Equal(t, "application/problem+json", a.header.Get("Content-Type"))
		require.Zero(t, a.resolved)
		require.NotContains(t, a.raw, w.keys[role])
	}
}

func TestClosedToThePublic(t *testing.T) {
	w := newWorld(t, theRoles, nil)
	a := w.ask("", `{ posts { title } }`, nil)
	require.Equal(t, http.StatusUnauthorized, a.status)
	a = w.ask("", `{ version }`, nil)
	require.Equal(t, http.StatusOK, a.status, "@public needs no key")
	require.Equal(t, http.StatusOK, w.ask("posts", `{ posts { title } }`, nil).status)
}

func TestQueriesByGET(t *testing.T) {
	w := standard(t)
	get := func(role, query string) *answer {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+"/graphql?query="+url.QueryEscape(query), nil)
		require.NoError(t, err)
		return w.send(r, role)
	}
	a := get("", `{ posts { title } }`)
	require.Equal(t, http.StatusOK, a.status)
	require.Len(t, a.Data["posts"], 2)
	vary := strings.Join(a.header.Values("Vary"), ", ")
	require.Contains(t, vary, "Api-Key")
	require.Contains(t, vary, "Authorization")
	require.Equal(t, "no-store", a.header.Get("Cache-Control"))
	require.Equal(t, http.StatusUnauthorized, get("", `{ secret { title } }`).status)
	a = get("editor", `mutation { deleteAll { count } }`)
	require.GreaterOrEqual(t, a.status, 400)
	require.Zero(t, a.resolved)
	require.Len(t, w.blog.Posts(true), 3)
}

func TestPersistedQueriesAreJudgedAnew(t *testing.T) {
	w := standard(t)
	const query = `{ secret { title } }`
	body := func(text string) string {
		return fmt.Sprintf(`{%s"extensions":{"persistedQuery":{"version":1,"sha256Hash":"%x"}}}`, text, sha256.Sum256([]byte(query)))
	}
	post := func(role, body string) *answer {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/graphql", strings.NewReader(body))
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/json")
		return w.send(r, role)
	}
	require.Equal(t, http.StatusOK, post("reader", body(`"query":"`+query+`",`)).status)
	require.Equal(t, http.StatusOK, post("reader", body("")).status)
	require.Equal(t, http.StatusUnauthorized, post("", body("")).status)
	require.Equal(t, http.StatusForbidden, post("posts", body("")).status)
}

// A rule on the type Query guards all of its fields, where gqlgen's own directive guards none (GQL-11 of the corpus).
func TestARuleOnTheQueryType(t *testing.T) {
	text, err := os.ReadFile("graph/schema.graphqls")
	require.NoError(t, err)
	guarded := strings.Replace(string(text), "type Query {", `type Query @can(permission: "app/everything") {`, 1)
	require.NotEqual(t, string(text), guarded)
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: "auth", Input: graphqlauth.SDL}, &ast.Source{Name: "schema", Input: guarded})
	require.NoError(t, err)
	w := newWorld(t, theRoles, publicapi.Fixed("public"), schema)
	for _, query := range []string{`{ posts { title } }`, `{ version }`, `{ node(id: "post-1") { id } }`, `{ ... on Query { version } }`} {
		require.Equal(t, http.StatusUnauthorized, w.ask("", query, nil).status, query)
		a := w.ask("reader", query, nil)
		require.Equal(t, http.StatusForbidden, a.status, query)
		require.Zero(t, a.resolved)
		require.Equal(t, http.StatusOK, w.ask("editor", query, nil).status, query)
	}
}

// The copy beside the schema equals the library's file.
func TestTheDirectivesAreTheLibrarys(t *testing.T) {
	text, err := os.ReadFile("graph/auth.graphqls")
	require.NoError(t, err)
	require.Equal(t, graphqlauth.SDL, string(text))
}
