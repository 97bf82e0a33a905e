package graphqlauth_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/graphqlauth/testschema"
)

// denyAll are hooks that refuse every caller.
func denyAll() testschema.DirectiveRoot {
	d := passThrough()
	no := func() (any, error) { return nil, errors.New("denied by the hook") }
	d.Can = func(context.Context, any, graphql.Resolver, string) (any, error) { return no() }
	return d
}

// The four placements of a directive where gqlgen calls no hook, so that even one which denies everything protects
// nothing. With the extension they are closed, even if no hook does anything.
var holes = []struct{ name, query, secret string }{
	{"a type through a union", `{search{... on Secret{title}}}`, "TOP SECRET title"},
	{"a type through an interface", `{node(id:"secret"){... on Secret{title}}}`, "TOP SECRET title"},
	{"an interface's field", `{page{title}}`, "TOP SECRET page"},
	{"a root type", `mutation{save{__typename}}`, "Secret"},
}

func TestTheFourHoles(t *testing.T) {
	alone := newSite(t, siteOptions{bare: true, directives: denyAll()})
	guarded := newSite(t, siteOptions{directives: passThrough()})
	for _, hole := range holes {
		t.Run(hole.name, func(t *testing.T) {
			r := alone.ask("stranger", hole.query)
			require.Contains(t, r.body, hole.secret, "hooks alone: gqlgen has learned to close this; tell so in doc.go")
			require.Empty(t, r.Errors)

			for _, as := range []string{"stranger", "public", "reader", "empty"} {
				r := guarded.ask(as, hole.query)
				require.NotContains(t, r.body, `"`+hole.secret, as)
				require.NotEmpty(t, r.Errors, as)
			}
			require.Contains(t, guarded.ask("admin", hole.query).body, hole.secret)
		})
	}
}

func TestHooksWithoutTheExtensionDeny(t *testing.T) {
	s := newSite(t, siteOptions{bare: true})
	for _, query := range []string{
		`{public}`, `{secret{title}}`, `{posts{title}}`, `{known}`, `{scoped}`, `{staff}`, `{echo(admin:true)}`, `{filter(by:{admin:true})}`,
	} {
		r := s.ask("admin", query)
		require.Contains(t, r.body, "graphqlauth.New", query)
		require.Len(t, r.Errors, 1)
		require.Zero(t, r.ran, query)
	}
	require.Equal(t, "FORBIDDEN", s.ask("admin", `{secret{title}}`).codes()[0])
}

// Hooks do not need our Handler to see that the operation was cleared.
func TestWithoutHandler(t *testing.T) {
	s := newSite(t, siteOptions{noHandler: true})
	require.Equal(t, "TOP SECRET title", s.ask("admin", `{secret{title}}`).Data["secret"].(map[string]any)["title"])
	r := s.ask("reader", `{public secret{title}}`)
	require.Equal(t, []string{"FORBIDDEN Query.secret"}, r.codes())
	require.Equal(t, 200, s.ask("reader", `{secret{title}}`).status, "gqlgen's own: only Handler changes it")
}

// A hook of the host that decides on objects is reported as a rule is.
func TestHooksOnObjects(t *testing.T) {
	s := newSite(t, siteOptions{})
	r := s.ask("reader", `{users(n:3){diary}}`)
	require.JSONEq(t, `[{"diary":null},{"diary":"diary of 1"},{"diary":null}]`, asJSON(t, r.Data["users"]))
	require.Equal(t, []string{"FORBIDDEN User.diary"}, r.codes())
	require.Equal(t, []string{"UNAUTHENTICATED User.diary"}, s.ask("stranger", `{users(n:1){diary}}`).codes())
}

func TestOneErrorForEachCoordinate(t *testing.T) {
	s := newSite(t, siteOptions{})
	allowed := s.ask("admin", `{users(n:1000){id email}}`)
	r := s.ask("reader", `{users(n:1000){id email}}`)
	require.Equal(t, []string{"FORBIDDEN User.email"}, r.codes())
	require.Less(t, len(r.body), len(allowed.body))
	require.Equal(t, []any{"users", "email"}, []any{r.Errors[0].Path[0], r.Errors[0].Path[2]})
	require.Equal(t, "users/email/read", r.Errors[0].Extensions["permission"])
	// Each phone is non-null, so each takes its user with it: by an error, of which one is delivered.
	require.Equal(t, []string{"FORBIDDEN User.phone"}, s.ask("reader", `{users(n:1000){phone}}`).codes())
	// Two missing permissions of one coordinate are two errors.
	r = s.ask("reader", `{public a:content(model:"a") b:content(model:"b") c:content(model:"b")}`)
	require.Len(t, r.Errors, 2)
}

// What a caller who is not known hears does not depend on what is missing.
func TestNothingIsToldToStrangers(t *testing.T) {
	s := newSite(t, siteOptions{})
	for _, as := range []string{"stranger", "public"} {
		r := s.ask(as, `{secret{title}}`)
		require.NotContains(t, r.body, "content/secret/read")
		require.Equal(t, 401, r.status)
	}
	require.Contains(t, s.ask("reader", `{secret{title}}`).body, "content/secret/read")
}

// gqlgen's SetDisableSuggestion leaves in what is suggested for arguments, input fields, enums and types.
func TestNothingIsSuggested(t *testing.T) {
	s := newSite(t, siteOptions{})
	for _, query := range []string{
		`{secre{title}}`, `{secret{titl}}`, `{secret}`, `{search{title}}`, `{echo(admn:true)}`, `{filter(by:{admi:true})}`,
		`{byEnum(model:post)}`, `{byEnum(model:"post")}`, `{search{... on Secre{title}}}`, `query($f:Filte){filter(by:$f)}`,
		`{public @includ(if:true)}`, `{public @include(i:true)}`, `query($m:Model=post){byEnum(model:$m)}`,
	} {
		r := s.ask("stranger", query)
		require.Equal(t, 422, r.status, query)
		require.NotContains(t, strings.ToLower(r.body), "did you mean", query)
	}
}

// gqlgen panics over such a condition, for each object of a list, which validation lets through.
func TestAConditionThatIsNoBoolean(t *testing.T) {
	s := newSite(t, siteOptions{})
	for _, query := range []string{
		`query($s:Boolean=true){public @skip(if:$s)}`, `query($s:Boolean=true){public ...on Query @include(if:$s){public}}`,
		`query($s:Boolean=true){users(n:3){id @skip(if:$s)}}`, `query($s:Boolean=true){search{...on Tag @skip(if:$s){id}}}`,
		`query($s:Boolean=true){search{...F @skip(if:$s)}} fragment F on Tag{id}`,
		`query($s:Boolean=true){public ...F @skip(if:$s)} fragment F on Query{public}`,
	} {
		r := s.ask("stranger", query, map[string]any{"s": nil})
		require.Equal(t, []string{"GRAPHQL_VALIDATION_FAILED"}, r.codes(), r.body)
		require.Equal(t, 422, r.status)
		require.Zero(t, r.ran)
		require.Equal(t, 200, s.ask("stranger", query, map[string]any{"s": false}).status)
	}
	require.Equal(t, 200, s.ask("stranger", `query($s:Boolean=true){public users @skip(if:true){id @skip(if:$s)}}`, map[string]any{"s": nil}).status,
		"the fragment is not reached")
}
