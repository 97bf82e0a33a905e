package graphqlauth_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/graphqlauth"
)

// A behaviour is an operation, and what callers get in Partial mode. In Reject mode a caller who is denied anything is
// refused the whole, and nothing runs; rejected says which coordinates that names where they differ.
type behaviour struct {
	name     string
	query    string
	vars     map[string]any
	as       string
	data     string   // "" is none: refused as a whole
	codes    []string // of the errors
	rejected string   // the first coordinate in Reject mode; "" is the same as in Partial, or allowed
}

var behaviours = []behaviour{
	{name: "object", query: `{public secret{title}}`, as: "reader",
		data: `{"public":"public","secret":null}`, codes: []string{"FORBIDDEN Query.secret"}},
	{name: "object, for a stranger", query: `{public secret{title}}`, as: "stranger",
		data: `{"public":"public","secret":null}`, codes: []string{"UNAUTHENTICATED Query.secret"}},
	{name: "object, for all to see", query: `{secret{title}}`, as: "admin",
		data: `{"secret":{"title":"TOP SECRET title"}}`},
	{name: "object alone", query: `{secret{title}}`, as: "reader", codes: []string{"FORBIDDEN Query.secret"}},
	{name: "object, only its name", query: `{public secret{__typename}}`, as: "reader",
		data: `{"public":"public","secret":null}`, codes: []string{"FORBIDDEN Query.secret"}},
	{name: "list", query: `{public secrets{title}}`, as: "reader",
		data: `{"public":"public","secrets":null}`, codes: []string{"FORBIDDEN Query.secrets"}},
	{name: "non-null object", query: `{public must{title}}`, as: "reader",
		data: `null`, codes: []string{"FORBIDDEN Query.must"}},
	{name: "union", query: `{search{__typename ... on Secret{title} ... on Post{title}}}`, as: "reader",
		data:  `{"search":[{"__typename":"Tag"},{"__typename":"Post","title":"a title"},{"__typename":"Secret","title":null}]}`,
		codes: []string{"FORBIDDEN Secret.title"}},
	{name: "union, nothing guarded asked", query: `{search{__typename ... on Tag{id}}}`, as: "stranger",
		data: `{"search":[{"__typename":"Tag","id":"tag"},{"__typename":"Post"},{"__typename":"Secret"}]}`},
	{name: "interface, concrete", query: `{node(id:"secret"){... on Secret{title}}}`, as: "reader",
		data: `{"node":{"title":null}}`, codes: []string{"FORBIDDEN Secret.title"}},
	{name: "interface, any object", query: `{nodes{id}}`, as: "reader",
		data: `{"nodes":[{"id":"tag"},{"id":"post"},null]}`, codes: []string{"FORBIDDEN Secret.id"}},
	{name: "interface, any object, for a stranger", query: `{nodes{id}}`, as: "stranger",
		data: `{"nodes":[{"id":"tag"},null,null]}`, codes: []string{"UNAUTHENTICATED Post.id", "UNAUTHENTICATED Secret.id"},
		rejected: "UNAUTHENTICATED Post.id"},
	{name: "interface in a union", query: `{search{... on Node{id}}}`, as: "reader",
		data: `{"search":[{"id":"tag"},{"id":"post"},null]}`, codes: []string{"FORBIDDEN Secret.id"}},
	{name: "interface within an object", query: `{posts{... on Node{id}}}`, as: "reader",
		data: `{"posts":[{"id":"post"}]}`},
	{name: "interface's field", query: `{titled{title}}`, as: "reader",
		data: `{"titled":[{"title":null},{"title":null}]}`, codes: []string{"FORBIDDEN Note.title", "FORBIDDEN Page.title"},
		rejected: "FORBIDDEN Page.title"},
	{name: "interface's field, on the object", query: `{page{title}}`, as: "reader",
		data: `{"page":{"title":null}}`, codes: []string{"FORBIDDEN Page.title"}},
	{name: "nullable field, many times", query: `{users(n:5){id email}}`, as: "reader",
		data:  `{"users":[{"id":"0","email":null},{"id":"1","email":null},{"id":"2","email":null},{"id":"3","email":null},{"id":"4","email":null}]}`,
		codes: []string{"FORBIDDEN User.email"}},
	{name: "non-null field", query: `{users{id phone}}`, as: "reader", data: `null`, codes: []string{"FORBIDDEN User.phone"}},
	{name: "alias", query: `{public a:secret{title} b:secret{id}}`, as: "reader",
		data: `{"public":"public","a":null,"b":null}`, codes: []string{"FORBIDDEN Query.secret"}},
	{name: "fragment", query: `query{public ...F} fragment F on Query{secret{title}}`, as: "reader",
		data: `{"public":"public","secret":null}`, codes: []string{"FORBIDDEN Query.secret"}},
	{name: "inline fragment", query: `{public ...{...on Query{secret{title}}}}`, as: "reader",
		data: `{"public":"public","secret":null}`, codes: []string{"FORBIDDEN Query.secret"}},
	{name: "nested root", query: `{self{public secret{title}}}`, as: "reader",
		data: `{"self":{"public":"public","secret":null}}`, codes: []string{"FORBIDDEN Query.secret"}},
	{name: "skipped", query: `query($no:Boolean!){public secret @include(if:$no){title}}`, vars: map[string]any{"no": false},
		as: "stranger", data: `{"public":"public"}`},
	{name: "not skipped", query: `query($no:Boolean!){public secret @skip(if:$no){title}}`, vars: map[string]any{"no": false},
		as: "reader", data: `{"public":"public","secret":null}`, codes: []string{"FORBIDDEN Query.secret"}},
	{name: "included by default", query: `query($yes:Boolean=true){public secret @include(if:$yes){title}}`,
		as: "reader", data: `{"public":"public","secret":null}`, codes: []string{"FORBIDDEN Query.secret"}},
	{name: "default of a root field", query: `{public mine}`, as: "public",
		data: `{"public":"public","mine":null}`, codes: []string{"UNAUTHENTICATED Query.mine"}},
	{name: "default of a root field, with a key", query: `{public mine}`, as: "empty", data: `{"public":"public","mine":"mine"}`},
	{name: "authenticated", query: `{public known}`, as: "public",
		data: `{"public":"public","known":null}`, codes: []string{"UNAUTHENTICATED Query.known"}},
	{name: "public role", query: `{posts{title}}`, as: "public", data: `{"posts":[{"title":"a title"}]}`},
	{name: "field on a guarded type", query: `{posts{title draft}}`, as: "reader",
		data: `{"posts":[{"title":"a title","draft":null}]}`, codes: []string{"FORBIDDEN Post.draft"}},
	{name: "scopes", query: `{public scoped}`, as: "reader",
		data: `{"public":"public","scoped":null}`, codes: []string{"FORBIDDEN Query.scoped"}},
	{name: "scopes, one list", query: `{scoped}`, as: "editor", data: `{"scoped":"scoped"}`},
	{name: "host's directive", query: `{public staff}`, as: "reader",
		data: `{"public":"public","staff":null}`, codes: []string{"FORBIDDEN Query.staff"}},
	{name: "host's directive, allowed", query: `{staff}`, as: "editor", data: `{"staff":"staff"}`},
	{name: "narrowed key", query: `{posts{title draft}}`, as: "narrow",
		data: `{"posts":[{"title":"a title","draft":null}]}`, codes: []string{"FORBIDDEN Post.draft"}},

	{name: "argument absent", query: `{echo(text:"x")}`, as: "stranger", data: `{"echo":"true false"}`},
	{name: "argument literal", query: `{public echo(admin:true)}`, as: "reader",
		data: `{"public":"public","echo":null}`, codes: []string{"FORBIDDEN Query.echo(admin:)"}},
	{name: "argument null", query: `{public echo(admin:null)}`, as: "reader",
		data: `{"public":"public","echo":null}`, codes: []string{"FORBIDDEN Query.echo(admin:)"}},
	{name: "argument by variable", query: `query($a:Boolean){public echo(admin:$a)}`, vars: map[string]any{"a": false}, as: "reader",
		data: `{"public":"public","echo":null}`, codes: []string{"FORBIDDEN Query.echo(admin:)"}},
	{name: "argument by variable, null", query: `query($a:Boolean){public echo(admin:$a)}`, vars: map[string]any{"a": nil}, as: "reader",
		data: `{"public":"public","echo":null}`, codes: []string{"FORBIDDEN Query.echo(admin:)"}},
	{name: "argument by variable, absent", query: `query($a:Boolean){public echo(admin:$a)}`, as: "stranger",
		data: `{"public":"public","echo":"false false"}`},
	{name: "argument by variable's default", query: `query($a:Boolean=true){public echo(admin:$a)}`, as: "reader",
		data: `{"public":"public","echo":null}`, codes: []string{"FORBIDDEN Query.echo(admin:)"}},
	{name: "argument allowed", query: `{echo(admin:true)}`, as: "admin", data: `{"echo":"false true"}`},

	{name: "input absent", query: `{filter(by:{text:"x"})}`, as: "stranger", data: `{"filter":"true 0"}`},
	{name: "input literal", query: `{public filter(by:{admin:true})}`, as: "reader",
		data: `{"public":"public","filter":null}`, codes: []string{"FORBIDDEN Filter.admin"}},
	{name: "input null", query: `{public filter(by:{admin:null})}`, as: "reader",
		data: `{"public":"public","filter":null}`, codes: []string{"FORBIDDEN Filter.admin"}},
	{name: "input nested", query: `{public filter(by:{inner:{inner:{admin:true}}})}`, as: "reader",
		data: `{"public":"public","filter":null}`, codes: []string{"FORBIDDEN Filter.admin"}},
	{name: "input in lists", query: `{public filter(by:{list:[[{text:"x"}],[{text:"x"},{admin:false}]]})}`, as: "reader",
		data: `{"public":"public","filter":null}`, codes: []string{"FORBIDDEN Filter.admin"}},
	{name: "input as a list of one", query: `{public filter(many:{admin:true})}`, as: "reader",
		data: `{"public":"public","filter":null}`, codes: []string{"FORBIDDEN Filter.admin"}},
	{name: "input by variable", query: `query($f:Filter){public filter(by:$f)}`, as: "reader",
		vars: map[string]any{"f": map[string]any{"inner": map[string]any{"list": []any{[]any{map[string]any{"admin": nil}}}}}},
		data: `{"public":"public","filter":null}`, codes: []string{"FORBIDDEN Filter.admin"}},
	{name: "input by variable, as a list of one", query: `query($f:[Filter!]){public filter(many:$f)}`, as: "reader",
		vars: map[string]any{"f": map[string]any{"admin": true}},
		data: `{"public":"public","filter":null}`, codes: []string{"FORBIDDEN Filter.admin"}},
	{name: "input by variable, nothing guarded", query: `query($f:Filter){filter(by:$f)}`, as: "stranger",
		vars: map[string]any{"f": map[string]any{"inner": map[string]any{"text": "x"}}}, data: `{"filter":"true 0"}`},
	{name: "input by variable's default", query: `query($f:Filter={admin:true}){public filter(by:$f)}`, as: "reader",
		data: `{"public":"public","filter":null}`, codes: []string{"FORBIDDEN Filter.admin"}},
	{name: "variable within an input", query: `query($a:Boolean){public filter(by:{admin:$a})}`, as: "reader",
		vars: map[string]any{"a": true}, data: `{"public":"public","filter":null}`, codes: []string{"FORBIDDEN Filter.admin"}},
	{name: "variable within an input, absent", query: `query($a:Boolean){filter(by:{admin:$a})}`, as: "stranger",
		data: `{"filter":"true 0"}`},
	{name: "defaults of the schema", query: `{defaulted(by:{text:"x"})}`, as: "stranger", data: `{"defaulted":"true true"}`},
	{name: "default of the schema written out", query: `{public defaulted(by:{admin:true})}`, as: "reader",
		data: `{"public":"public","defaulted":null}`, codes: []string{"FORBIDDEN Defaulted.admin"}},

	{name: "template", query: `{content(model:"posts")}`, as: "reader", data: `{"content":"of posts"}`},
	{name: "template, default", query: `{content}`, as: "reader", data: `{"content":"of posts"}`},
	{name: "template, other", query: `{public content(model:"pages")}`, as: "reader",
		data: `{"public":"public","content":null}`, codes: []string{"FORBIDDEN Query.content"}},
	{name: "template, by variable", query: `query($m:String){content(model:$m)}`, vars: map[string]any{"m": "pages"}, as: "editor",
		data: `{"content":"of pages"}`},
	{name: "template, null", query: `{public content(model:null)}`, as: "admin",
		data: `{"public":"public","content":null}`, codes: []string{"FORBIDDEN Query.content"}},
	{name: "template, two segments", query: `{public content(model:"posts/x")}`, as: "admin",
		data: `{"public":"public","content":null}`, codes: []string{"FORBIDDEN Query.content"}},
	{name: "template, a pattern", query: `{public content(model:"*")}`, as: "admin",
		data: `{"public":"public","content":null}`, codes: []string{"FORBIDDEN Query.content"}},
	{name: "template, missing", query: `{public byID}`, as: "admin",
		data: `{"public":"public","byID":null}`, codes: []string{"FORBIDDEN Query.byID"}},
	{name: "template, a number", query: `{byID(model:007)}`, as: "stranger", codes: []string{"GRAPHQL_PARSE_FAILED"}},
	{name: "template, an ID as number", query: `query($i:ID){byID(model:$i)}`, vars: map[string]any{"i": 7}, as: "editor",
		data: `{"byID":"of 7"}`},
	{name: "template, an enum", query: `{public byEnum(model:pages)}`, as: "reader",
		data: `{"public":"public","byEnum":null}`, codes: []string{"FORBIDDEN Query.byEnum"}},
	{name: "template, an enum by variable", query: `query($m:Model){byEnum(model:$m)}`, vars: map[string]any{"m": "pages"}, as: "editor",
		data: `{"byEnum":"of pages"}`},
	{name: "template, an enum in another case", query: `query($m:Model){byEnum(model:$m)}`, vars: map[string]any{"m": "PAGES"}, as: "editor",
		codes: []string{"FORBIDDEN Query.byEnum"}},

	{name: "introspection, anonymous", query: `{__schema{types{name}}}`, as: "public", codes: []string{"UNAUTHENTICATED Query.__schema"}},
	{name: "introspection of a type", query: `{public __type(name:"Post"){name}}`, as: "stranger",
		data: `{"public":"public","__type":null}`, codes: []string{"UNAUTHENTICATED Query.__type"}},
	{name: "introspection, with a key", query: `{__type(name:"Post"){name fields{name}}}`, as: "empty",
		data: `{"__type":{"name":"Post","fields":[{"name":"id"},{"name":"title"},{"name":"body"},{"name":"draft"}]}}`},
	{name: "typename is free", query: `{__typename}`, as: "stranger", data: `{"__typename":"Query"}`},
	{name: "typename beside a denied field", query: `{__typename secret{id}}`, as: "reader", codes: []string{"FORBIDDEN Query.secret"}},
	{name: "one of two operations", query: `query A{public} query B{secret{title}}`, as: "reader", codes: []string{"GRAPHQL_VALIDATION_FAILED"}},

	{name: "mutation", query: `mutation{save{... on Tag{id}}}`, as: "reader", codes: []string{"FORBIDDEN Mutation.save"}},
	{name: "mutation, half allowed", query: `mutation{save{... on Tag{id}} drop}`, as: "editor", codes: []string{"FORBIDDEN Mutation.drop"}},
	{name: "mutation, type behind an interface", query: `mutation{save{... on Secret{title}}}`, as: "editor",
		codes: []string{"FORBIDDEN Secret.title"}},
	{name: "mutation, any object", query: `mutation{save{id}}`, as: "editor", codes: []string{"FORBIDDEN Secret.id"}},
	{name: "mutation, allowed", query: `mutation{save{... on Tag{id} __typename}}`, as: "editor", data: `{"save":{"__typename":"Secret"}}`},
}

func TestBehavioursPartial(t *testing.T) {
	s := newSite(t, siteOptions{})
	for _, b := range behaviours {
		t.Run(b.name, func(t *testing.T) {
			s.t = t
			r := s.ask(b.as, b.query, b.vars)
			require.Equal(t, b.codes, r.codes(), r.body)
			if b.data == "" {
				require.Nil(t, r.Data, r.body)
				require.Zero(t, r.ran, "a refused operation runs nothing")
			} else {
				data, err := json.Marshal(r.Data)
				require.NoError(t, err)
				require.JSONEq(t, b.data, string(data), r.body)
				require.Equal(t, 200, r.status)
			}
			if b.as != "admin" {
				require.False(t, r.leaked(), r.body)
			}
		})
	}
}

func TestBehavioursReject(t *testing.T) {
	s := newSite(t, siteOptions{options: []graphqlauth.Option{graphqlauth.WithMode(graphqlauth.ModeReject)}})
	for _, b := range behaviours {
		t.Run(b.name, func(t *testing.T) {
			s.t = t
			r := s.ask(b.as, b.query, b.vars)
			if b.codes == nil {
				require.Empty(t, r.Errors, r.body)
				return
			}
			require.Len(t, r.Errors, 1, r.body)
			want := b.codes[0]
			if b.rejected != "" {
				want = b.rejected
			}
			require.Equal(t, want, r.codes()[0], r.body)
			require.Nil(t, r.Data)
			require.Zero(t, r.ran, "a refused operation runs nothing")
			require.False(t, r.leaked(), r.body)
		})
	}
}
