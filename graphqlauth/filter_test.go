package graphqlauth_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/graphqlauth"
	"github.com/latchkey-go/latchkey/roles"
)

// filtering returns the coordinates that Lint finds to filter by something guarded, each with what it reads.
func filtering(t *testing.T, sdl string) (all []string) {
	for _, f := range graphqlauth.Lint(schemaOf(t, graphqlauth.SDL, sdl).Schema(), nil) {
		if f.Code == "filter" {
			all = append(all, f.Coordinate+" by "+strings.TrimSuffix(strings.Fields(f.Text)[4], ","))
		}
	}
	return all
}

// Each convention, over a guarded column, a guarded relation and a guarded type.
func TestFiltersOfGuardedFieldsAreFound(t *testing.T) {
	for _, c := range []struct {
		name, sdl string
		want      []string
	}{
		{"ent", `
			type Query { categories(where: CategoryWhereInput, orderBy: CategoryOrder): CategoryConnection! @public  todos(where: TodoWhereInput): [Todo!] @public }
			type CategoryConnection { edges: [CategoryEdge] totalCount: Int! } type CategoryEdge { node: Category }
			type Category { id: ID! text: String! @authenticated todos: [Todo!] } type Todo { id: ID! title: String category: Category }
			input CategoryWhereInput { not: CategoryWhereInput and: [CategoryWhereInput!] or: [CategoryWhereInput!] id: ID idNEQ: ID
				text: String textNEQ: String textIn: [String!] textNotIn: [String!] textGT: String textGTE: String textLT: String textLTE: String
				textContains: String textHasPrefix: String textHasSuffix: String textEqualFold: String textContainsFold: String textIsNil: Boolean
				hasTodos: Boolean hasTodosWith: [TodoWhereInput!] }
			input TodoWhereInput { title: String hasCategory: Boolean hasCategoryWith: [CategoryWhereInput!] }
			input CategoryOrder { direction: Direction! field: CategoryOrderField! } enum Direction { ASC DESC } enum CategoryOrderField { ID TEXT TODOS_COUNT }`,
			[]string{"CategoryOrder.field", "CategoryWhereInput.text", "CategoryWhereInput.textNEQ", "CategoryWhereInput.textIn", "CategoryWhereInput.textNotIn",
				"CategoryWhereInput.textGT", "CategoryWhereInput.textGTE", "CategoryWhereInput.textLT", "CategoryWhereInput.textLTE", "CategoryWhereInput.textContains",
				"CategoryWhereInput.textHasPrefix", "CategoryWhereInput.textHasSuffix", "CategoryWhereInput.textEqualFold", "CategoryWhereInput.textContainsFold",
				"CategoryWhereInput.textIsNil"}},
		{"ent, a guarded type across types", `
			type Query { todos(where: TodoWhereInput): [Todo!] @public } type Todo { id: ID! owner: User } type User @authenticated { id: ID! name: String }
			input TodoWhereInput { id: ID hasOwner: Boolean hasOwnerWith: [UserWhereInput!] } input UserWhereInput { name: String nameHasPrefix: String }`,
			[]string{"TodoWhereInput.hasOwner by Todo.owner", "TodoWhereInput.hasOwnerWith by Todo.owner", "UserWhereInput.name by User.name", "UserWhereInput.nameHasPrefix by User.name"}},
		{"Hasura", `
			type query_root { users(where: users_bool_exp, order_by: [users_order_by!], distinct_on: [users_select_column!]): [users!]! @public
				users_aggregate(where: users_bool_exp): users_aggregate! @public }
			schema { query: query_root }
			type users { id: Int name: String @authenticated posts: [posts!] } type posts { title: String author: users } type users_aggregate { nodes: [users!]! aggregate: Int }
			input users_bool_exp { _and: [users_bool_exp!] _not: users_bool_exp id: Int_comparison_exp name: String_comparison_exp posts: posts_bool_exp }
			input posts_bool_exp { title: String_comparison_exp author: users_bool_exp }
			input String_comparison_exp { _eq: String _like: String } input Int_comparison_exp { _eq: Int }
			input users_order_by { id: order_by name: order_by posts_aggregate: posts_aggregate_order_by } input posts_aggregate_order_by { count: order_by }
			enum order_by { asc desc } enum users_select_column { id name }`,
			[]string{"query_root.users(distinct_on:)", "users_bool_exp.name by users.name", "users_order_by.name"}},
		{"PostGraphile", `
			type Query { allUsers(condition: UserCondition, filter: UserFilter, orderBy: [UsersOrderBy!]): UsersConnection @public userByEmail(email: String!): User @public query: Query! @public }
			type UsersConnection { nodes: [User]! totalCount: Int! } type User { id: Int! email: String @authenticated posts: [Post] } type Post { id: Int title: String @authenticated }
			input UserCondition { id: Int email: String } input UserFilter { id: IntFilter email: StringFilter and: [UserFilter!] postsExist: Boolean posts: UserToManyPostFilter }
			input UserToManyPostFilter { some: PostFilter every: PostFilter } input PostFilter { title: StringFilter } input StringFilter { startsWith: String } input IntFilter { eq: Int }
			enum UsersOrderBy { NATURAL ID_ASC EMAIL_ASC EMAIL_DESC }`,
			[]string{"PostFilter.title by Post.title", "Query.allUsers(orderBy:)", "Query.userByEmail(email:) by User.email", "UserCondition.email", "UserFilter.email"}},
		{"Prisma", `
			type Query { users(where: UserWhereInput, orderBy: [UserOrderByWithRelationInput!], distinct: [UserScalarFieldEnum!]): [User!]! @public user(where: UserWhereUniqueInput!): User @public }
			type Mutation { updateManyUser(data: UserUpdateInput!, where: UserWhereInput): Int @public }
			type User { id: Int! email: String! @can(permission: "users/email") posts: [Post!]! } type Post { id: Int title: String author: User @authenticated }
			input UserWhereInput { AND: [UserWhereInput!] OR: [UserWhereInput!] NOT: [UserWhereInput!] email: StringFilter posts: PostListRelationFilter }
			input PostListRelationFilter { every: PostWhereInput some: PostWhereInput none: PostWhereInput } input PostWhereInput { title: StringFilter author: UserRelationFilter }
			input UserRelationFilter { is: UserWhereInput isNot: UserWhereInput } input StringFilter { contains: String } input UserWhereUniqueInput { id: Int email: String }
			input UserOrderByWithRelationInput { id: SortOrder email: SortOrder } enum SortOrder { asc desc } enum UserScalarFieldEnum { id email }
			input UserUpdateInput { email: String }`,
			[]string{"PostWhereInput.author by Post.author", "Query.users(distinct:)", "UserOrderByWithRelationInput.email", "UserWhereInput.email", "UserWhereUniqueInput.email"}},
		{"Prisma 1", `
			type Query { users(where: UserWhereInput, orderBy: UserOrderByInput): [User] @public } type User { id: ID! email: String @authenticated posts: [Post!] } type Post { id: ID! }
			input UserWhereInput { email: String email_not: String email_in: [String!] email_not_in: [String!] email_lt: String email_contains: String email_not_contains: String
				email_starts_with: String email_not_starts_with: String email_ends_with: String posts_some: PostWhereInput } input PostWhereInput { id: ID }
			enum UserOrderByInput { id_ASC email_ASC email_DESC }`,
			[]string{"Query.users(orderBy:)", "UserWhereInput.email", "UserWhereInput.email_not", "UserWhereInput.email_in", "UserWhereInput.email_not_in", "UserWhereInput.email_lt",
				"UserWhereInput.email_contains", "UserWhereInput.email_not_contains", "UserWhereInput.email_starts_with", "UserWhereInput.email_not_starts_with", "UserWhereInput.email_ends_with"}},
		{"Relay", `
			type Query { repository(name: String): Repository @public } type Repository { name: String issues(filterBy: IssueFilters, orderBy: IssueOrder, first: Int, after: String): IssueConnection!
				members(emailContains: String, minSalary: Int, role: String): [Member!] }
			type IssueConnection { edges: [IssueEdge] totalCount: Int! } type IssueEdge { node: Issue cursor: String } type Issue { title: String secret: Boolean @authenticated createdAt: String }
			type Member { email: String @authenticated salary: Int @authenticated role: String }
			input IssueFilters { title: String isSecret: Boolean } input IssueOrder { field: IssueOrderField direction: String } enum IssueOrderField { CREATED_AT SECRET }`,
			[]string{"IssueFilters.isSecret", "IssueOrder.field by Issue.secret", "Repository.members(emailContains:)", "Repository.members(minSalary:)"}},
		{"behind an interface", `
			type Query { nodes(where: NodeWhereInput): [Node] @public } interface Node { id: ID name: String } type A implements Node { id: ID name: String @authenticated }
			type B implements Node { id: ID name: String } input NodeWhereInput { name: String id: ID }`, []string{"NodeWhereInput.name by A.name"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := filtering(t, c.sdl)
			require.Len(t, got, len(c.want), "%q", got)
			for _, want := range c.want {
				require.True(t, slices.ContainsFunc(got, func(g string) bool { return g == want || strings.HasPrefix(g, want+" by ") }), "%s: %q", want, got)
			}
		})
	}
}

// Where writing the filter needs what the field needs, nothing is found.
func TestGuardedFiltersAreNotFound(t *testing.T) {
	const rest = `type Category { id: ID! text: String @can(permission: "a") @authenticated } input CategoryWhereInput { text: String @can(permission: "a") textIn: [String] id: ID }`
	require.Equal(t, []string{"CategoryWhereInput.text by Category.text", "CategoryWhereInput.textIn by Category.text"},
		filtering(t, `type Query { categories(where: CategoryWhereInput): [Category] @public } `+rest), "a key is missing, and all")
	require.Equal(t, []string{"CategoryWhereInput.textIn by Category.text"}, filtering(t, `type Query { categories(where: CategoryWhereInput): [Category] @authenticated } `+rest))
	for _, query := range []string{
		`categories(where: CategoryWhereInput): [Category] @can(permission: "a") @authenticated`,
		`categories(where: CategoryWhereInput @can(permission: "a")): [Category]`,
		`categories(where: CategoryWhereInput @requiresX): [Category]`,
		`categories: [Category] @public`,
	} {
		require.Empty(t, filtering(t, `type Query { `+strings.ReplaceAll(query, "@requiresX", `@can(permission: "b") @can(permission: "a") @authenticated`)+` } `+rest), query)
	}
	// All of one list means what a shorter list means, and not the other way round.
	scoped := func(field, query string) []string {
		return filtering(t, `type Query { items(text: String): [Item] @requiresScopes(scopes: `+query+`) } type Item { text: String @requiresScopes(scopes: `+field+`) }`)
	}
	require.Empty(t, scoped(`[["a"], ["b"]]`, `[["a", "c"], ["b"]]`))
	require.NotEmpty(t, scoped(`[["a"], ["b"]]`, `[["a"], ["c"]]`))
	require.NotEmpty(t, scoped(`[["a", "b"]]`, `[["a"]]`))
}

// The exposure map names a filter by what the public role may not read.
func TestExposureNamesFilters(t *testing.T) {
	schema := schemaOf(t, graphqlauth.SDL, `
		type Query { categories(where: CategoryWhereInput, orderBy: Order): [Category] @public staff(where: CategoryWhereInput): [Category] }
		type Category { id: ID! text: String @can(permission: "a") secret: String @authenticated } enum Order { ID SECRET }
		input CategoryWhereInput { text: String textIn: [String] secretNEQ: String hidden: String @authenticated id: ID }`).Schema()
	policy := roles.MustCompile(roles.Role{AppID: "public"}, roles.Role{AppID: "a", Permissions: roles.Grants{"a": true}})
	exposed := func(role string) (all []string) {
		for _, r := range graphqlauth.Exposure(schema, policy, role) {
			if !strings.HasPrefix(r.Pattern, "Category.") {
				all = append(all, r.Pattern)
			}
		}
		return all
	}
	require.Equal(t, []string{"CategoryWhereInput.secretNEQ", "CategoryWhereInput.text", "CategoryWhereInput.textIn", "Query.categories", "Query.categories(orderBy:)", "Query.categories(where:)"}, exposed("public"))
	require.Equal(t, []string{"CategoryWhereInput.secretNEQ", "Query.categories", "Query.categories(orderBy:)", "Query.categories(where:)"}, exposed("a"))
}
