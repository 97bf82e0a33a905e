package graphqlauth_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/graphqlauth"
	"github.com/latchkey-go/latchkey/graphqlauth/testschema"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

var withHasRole = graphqlauth.WithDirective("hasRole", hasRole)

func testSchema() *ast.Schema { return testschema.NewExecutableSchema(testschema.Config{}).Schema() }

// What the schema of the tests needs, all of it: a change of meaning shows here first.
func TestCoverage(t *testing.T) {
	needs := graphqlauth.Coverage(testSchema(), withHasRole)
	var lines []string
	for _, coordinate := range slices.Sorted(maps.Keys(needs)) {
		lines = append(lines, coordinate+": "+needs[coordinate])
	}
	golden(t, filepath.Join("testdata", "coverage.golden"), lines)
}

// The extension requires what Coverage lists.
func TestCoverageIsWhatIsEnforced(t *testing.T) {
	s := newSite(t, siteOptions{})
	needs := graphqlauth.Coverage(testSchema(), withHasRole)
	for _, c := range []struct{ coordinate, query string }{
		{"Query.public", `{public}`}, {"Query.mine", `{mine}`}, {"Query.scoped", `{scoped}`}, {"Query.staff", `{staff}`},
		{"Query.echo", `{echo}`}, {"Query.echo(admin:)", `{echo(admin:true)}`}, {"Filter.admin", `{filter(by:{inner:{admin:null}})}`},
		{"Query.secret", `{secret{__typename}}`}, {"Mutation.drop", `mutation{drop}`}, {"Query.__schema", `{__schema{queryType{name}}}`},
	} {
		codes := s.ask("stranger", c.query).codes()
		if needs[c.coordinate] == "anyone" {
			require.Empty(t, codes, c.query)
			continue
		}
		require.NotEmpty(t, needs[c.coordinate], c.coordinate)
		require.Equal(t, []string{"UNAUTHENTICATED " + c.coordinate}, codes, c.query)
	}
}

func TestMistakesHaveNoCoverage(t *testing.T) {
	schema := schemaOf(t, graphqlauth.SDL, `type Query{a:String @can(permission:"a b")}`).Schema()
	require.Panics(t, func() { graphqlauth.Coverage(schema) })
	require.Panics(t, func() { graphqlauth.Exposure(schema, nil, "") })
}

func ExampleCoverage() {
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: graphqlauth.SDL}, &ast.Source{Input: `
		type Post @can(permission: "content/posts/read") {
			title: String
			draft: String @can(permission: "content/drafts/read")
		}
		type Query {
			posts: [Post!]
			page(model: String!): String @can(permission: "content/{model}/read")
			health: String @public
			me: String
		}`})
	needs := graphqlauth.Coverage(schema)
	for _, coordinate := range slices.Sorted(maps.Keys(needs)) {
		fmt.Println(coordinate+":", needs[coordinate])
	}
	// Output:
	// Post.draft: content/drafts/read and content/posts/read
	// Post.title: content/posts/read
	// Query.__schema: key
	// Query.__type: key
	// Query.health: anyone
	// Query.me: key
	// Query.page: content/{model}/read
	// Query.posts: key and content/posts/read
}

const shop = `
	type Query {
		posts: [Post] @can(permission: "content/posts/read")
		health: Health @public
		page(model: String!): String @can(permission: "content/{model}/read")
		drafts: [Post] @can(permission: "content/drafts/read")
		either: String @requiresScopes(scopes: [["content/drafts/read"], ["content/posts/read", "content/tags/read"]])
		mine: User
		find(by: Filter, draft: Boolean @can(permission: "content/drafts/read"), tag: ID @can(permission: "content/tags/read")): [Found] @public
		known: Known @authenticated
	}
	type Post @can(permission: "content/posts/read") { title: String author: User draft: String @can(permission: "content/drafts/read") }
	type User { name: String email: String @authenticated }
	type Health { ok: Boolean checkedBy: Checker }
	type Checker { name: String }
	type Known { secret: String }
	union Found = Tag | Post | Hidden
	type Tag { name: String }
	type Hidden @can(permission: "content/hidden/read") { name: String deep: Deep }
	type Deep { bottom: String }
	input Filter { text: String tag: String @can(permission: "content/tags/read") draft: String @can(permission: "content/drafts/read") again: Filter }
	type Mutation { save: Post @can(permission: "content/posts/update") ping: String @public }`

func routes(all []auth.Route) (lines []string) {
	for _, r := range all {
		need := r.Permission
		if r.Open {
			need += "open"
		}
		lines = append(lines, r.Pattern+": "+need)
	}
	return lines
}

func TestExposure(t *testing.T) {
	schema := schemaOf(t, graphqlauth.SDL, shop).Schema()
	policy := roles.MustCompile(
		roles.Role{AppID: "public", Permissions: roles.Grants{"content/posts/read": true, "content/tags/*": true}},
		roles.Role{AppID: "nothing"}, roles.Role{AppID: "writer", Permissions: roles.Grants{"content/**": true}},
	)
	open := []string{
		"Checker.name: open", "Filter.again: open", "Health.checkedBy: open", "Health.ok: open", "Mutation.ping: open",
		"Query.find: open", "Query.find(by:): open", "Query.health: open", "Tag.name: open",
	}
	for _, closed := range []string{"", "nothing", "nosuch", roles.Admin, "Admin"} {
		require.Equal(t, open, routes(graphqlauth.Exposure(schema, policy, closed)), closed)
	}
	require.Equal(t, open, routes(graphqlauth.Exposure(schema, nil, "public")))

	require.Equal(t, []string{
		"Checker.name: open",
		"Filter.again: open",
		"Filter.tag: content/tags/read",
		"Health.checkedBy: open",
		"Health.ok: open",
		"Mutation.ping: open",
		"Post.author: content/posts/read",
		"Post.title: content/posts/read",
		"Query.either: content/posts/read",
		"Query.either: content/tags/read",
		"Query.find: open",
		"Query.find(by:): open",
		"Query.find(tag:): content/tags/read",
		"Query.health: open",
		"Query.page: content/{model}/read",
		"Query.posts: content/posts/read",
		"Tag.name: open",
		"User.name: content/posts/read", // needs nothing, and is reached over Post.author
	}, routes(graphqlauth.Exposure(schema, policy, "public")))

	writer := setOf(routes(graphqlauth.Exposure(schema, policy, "writer")))
	for _, reached := range []string{"Deep.bottom: content/hidden/read", "Mutation.save: content/posts/read", "Mutation.save: content/posts/update"} {
		require.True(t, writer[reached], reached)
	}
	for _, never := range []string{"User.email", "Query.mine", "Query.known", "Known.secret", "Query.__schema", "__Schema.types"} {
		for line := range writer {
			require.NotContains(t, line, never, "it needs a key")
		}
	}
	introspection := graphqlauth.WithIntrospection(graphqlauth.Anyone())
	require.Contains(t, routes(graphqlauth.Exposure(schema, policy, "public", introspection)), "Query.__schema: open")
}

// The report of package publicapi takes the routes beside those of HTTP, keeps all of them, and says the same of them.
func TestExposureInAReport(t *testing.T) {
	schema := schemaOf(t, graphqlauth.SDL, shop).Schema()
	policy := roles.MustCompile(roles.Role{AppID: "public", Permissions: roles.Grants{"content/posts/read": true, "content/tags/*": true}})
	for _, role := range []string{"public", "", roles.Admin} {
		fields := graphqlauth.Exposure(schema, policy, role)
		report := publicapi.Exposure(policy, role, nil, append([]auth.Route{{Pattern: "GET /healthz", Open: true}}, fields...))
		require.Equal(t, fields, report.Routes[1:], role)
	}
	fields := graphqlauth.Exposure(schema, policy, "public")
	closed := publicapi.Exposure(policy, "", nil, fields)
	require.Equal(t, graphqlauth.Exposure(schema, policy, ""), closed.Routes, "what is left when the public API is closed is open")
	require.Contains(t, publicapi.Exposure(policy, "public", nil, fields).Routes, auth.Route{Pattern: "Query.posts", Permission: "content/posts/read"})
}

// Whatever Exposure lists of the test's schema is reached by a caller without a key, and nothing else is.
func TestExposureIsWhatIsReached(t *testing.T) {
	s := newSite(t, siteOptions{})
	policy := roles.MustCompile(testRoles...)
	for caller, role := range map[string]string{"stranger": "", "public": "public"} {
		exposed := map[string]bool{}
		for _, r := range graphqlauth.Exposure(testSchema(), policy, role, withHasRole) {
			exposed[r.Pattern] = true
		}
		for coordinate, query := range map[string]string{
			"Query.public": `{public}`, "Query.mine": `{mine}`, "Query.posts": `{posts{__typename}}`, "Post.title": `{node(id:"post"){...on Post{title}}}`,
			"Post.draft": `{node(id:"post"){...on Post{draft}}}`, "Secret.title": `{node(id:"secret"){...on Secret{title}}}`, "Tag.id": `{nodes{...on Tag{id}}}`,
			"Page.title": `{page{title}}`, "User.email": `{users{email}}`, "User.id": `{users{id}}`, "Query.echo(admin:)": `{echo(admin:true)}`,
			"Filter.inner": `{filter(by:{inner:{}})}`, "Filter.admin": `{filter(by:{admin:true})}`, "Query.content": `{content}`,
			"Query.byEnum": `{byEnum(model:posts)}`, "Mutation.save": `mutation{save(text:""){__typename}}`, "Query.__type": `{__type(name:"Tag"){name}}`,
		} {
			reply := s.ask(caller, query)
			require.Equal(t, exposed[coordinate], len(reply.Errors) == 0, "%s: %s: %s", caller, coordinate, reply.body)
		}
	}
}

func setOf(lines []string) map[string]bool {
	set := map[string]bool{}
	for _, line := range lines {
		set[line] = true
	}
	return set
}
