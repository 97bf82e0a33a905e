package graphqlauth_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/latchkey-go/latchkey/graphqlauth"
	"github.com/latchkey-go/latchkey/graphqlauth/testschema"
)

// four is an operation of 4 fields with arguments. templated is another, whose permission is made from a variable, and
// with an input object in a variable that has something guarded in it.
const (
	four      = `query($n:Int){ echo(text:"x",admin:true) posts(first:$n){title draft} }`
	templated = `query($m:String,$f:Filter){ content(model:$m) filter(by:$f) posts(first:3){title} }`
)

// many is one of 42 fields, with fragments and a selection on an interface.
const many = `query{
	posts{...P} page{title author{...U}} titled{title} users(n:3){...U} again:users{...U}
	nodes{id ...on Post{...P} ...on Secret{id title}} search{...on Post{...P} ...on Tag{id}}
	a:public b:public c:public d:public known staff scoped }
	fragment P on Post{id title body draft}
	fragment U on User{id email phone}`

// judged is what the extension gets to see of an operation that is about to run in a request behind Handler.
type judged struct {
	extension *graphqlauth.Extension
	ctx       context.Context
	oc        graphql.OperationContext
}

func newJudged(t testing.TB, as, query string, vars map[string]any) *judged {
	s := newSite(t, siteOptions{})
	es := testschema.NewExecutableSchema(testschema.Config{})
	j := &judged{extension: graphqlauth.New(s.guard, graphqlauth.WithDirective("hasRole", hasRole))}
	require.NoError(t, j.extension.Validate(es))
	doc, errs := gqlparser.LoadQueryWithRules(es.Schema(), query, rules.NewDefaultRules())
	require.Empty(t, errs)
	j.ctx = context.WithValue(s.context(as), fourHops(0), true)
	for i := range 3 { // what gqlgen puts around a request's context
		j.ctx = context.WithValue(j.ctx, fourHops(i), true)
	}
	j.oc = graphql.OperationContext{
		Doc: doc, Operation: doc.Operations[0], Variables: vars,
		ResolverMiddleware: func(ctx context.Context, next graphql.Resolver) (any, error) { return next(ctx) },
	}
	return j
}

type fourHops int

// whole is the whole check as gqlgen calls it.
func (j *judged) whole() bool { return j.extension.MutateOperationContext(j.ctx, &j.oc) == nil }

func countFields(sels ast.SelectionSet) (n int) {
	for _, sel := range sels {
		switch sel := sel.(type) {
		case *ast.Field:
			n += 1 + countFields(sel.SelectionSet)
		case *ast.InlineFragment:
			n += countFields(sel.SelectionSet)
		case *ast.FragmentSpread:
			n += countFields(sel.Definition.SelectionSet)
		}
	}
	return n
}

var vars = map[string]any{"n": int64(3), "m": "posts", "f": map[string]any{"text": "x", "inner": map[string]any{"admin": true}}}

var benched = []struct {
	name, query string
	vars        map[string]any
}{{"4 fields", four, vars}, {"4 fields, template and input", templated, vars}, {"42 fields", many, nil}}

func BenchmarkJudge(b *testing.B) {
	for _, c := range benched {
		b.Run(c.name, func(b *testing.B) {
			j := newJudged(b, "admin", c.query, c.vars)
			b.ReportAllocs()
			for b.Loop() {
				if !j.whole() {
					b.Fatal("refused")
				}
			}
		})
	}
}

func TestAllowedOperationsAllocateNothing(t *testing.T) {
	j := newJudged(t, "admin", many, nil)
	require.Equal(t, 42, countFields(j.oc.Operation.SelectionSet))
	for name, query := range map[string]string{"four": four, "templated": templated, "many": many} {
		j := newJudged(t, "admin", query, vars)
		require.True(t, j.whole())
		require.Zero(t, testing.AllocsPerRun(100, func() { j.whole() }), name)
	}
}

// The permissions of several roles stay cached beside each other.
func TestRolesInTurnAllocateNoMore(t *testing.T) {
	c := newCourt(t, `type Query{f:String @can(permission:"a")}`)
	allocations := func(as ...string) float64 {
		var all []func()
		for _, role := range as {
			ctx, oc := c.operation(role, `{f}`)
			all = append(all, func() { require.Nil(t, c.e.MutateOperationContext(ctx, oc)) })
		}
		return testing.AllocsPerRun(100, func() {
			for _, judge := range all {
				judge()
			}
		})
	}
	require.Equal(t, allocations("a", "a"), allocations("a", "ab"))
}

// A handAt is a field of an object type.
type handAt struct{ object, field string }

// A handRule is what a host's own check would know of a field.
type handRule struct {
	permissions []string
	template    string // an argument's name: content/{argument}/read
	argument    string // an argument that needs admin/echo
	input       string // an argument with a Filter
	returns     string
}

var handMembers = map[string][]string{"Node": {"Post", "Secret", "Tag"}, "Found": {"Post", "Secret", "Tag"}, "Titled": {"Page", "Note"}}

var handRules = func() map[handAt]handRule {
	post, secret, titled := []string{"content/posts/read"}, []string{"content/secret/read"}, []string{"content/titles/read"}
	return map[handAt]handRule{
		{"Query", "posts"}: {permissions: post, returns: "Post"}, {"Query", "page"}: {returns: "Page"}, {"Query", "titled"}: {returns: "Titled"},
		{"Query", "users"}: {returns: "User"}, {"Query", "nodes"}: {returns: "Node"}, {"Query", "search"}: {returns: "Found"}, {"Query", "public"}: {},
		{"Query", "known"}: {permissions: []string{"key"}}, {"Query", "staff"}: {permissions: []string{"roles/editor"}},
		{"Query", "scoped"}: {permissions: []string{"super/scope"}}, {"Query", "echo"}: {argument: "admin"},
		{"Query", "content"}: {template: "model"}, {"Query", "filter"}: {input: "by"},
		{"Post", "id"}: {permissions: post}, {"Post", "title"}: {permissions: post}, {"Post", "body"}: {permissions: post},
		{"Post", "draft"}: {permissions: []string{"content/posts/read", "content/drafts/read"}}, {"Secret", "id"}: {permissions: secret},
		{"Secret", "title"}: {permissions: secret}, {"Tag", "id"}: {}, {"Page", "title"}: {permissions: titled}, {"Note", "title"}: {permissions: titled},
		{"Page", "author"}: {returns: "User"}, {"User", "id"}: {}, {"User", "email"}: {permissions: []string{"users/email/read"}},
		{"User", "phone"}: {permissions: []string{"users/phone/read"}},
	}
}()

// A byHand is the same check as a host would write it for this schema alone: a map of rules, looked up for each field of
// the operation, and the set of the permissions that the caller's role has.
type byHand struct {
	granted map[string]bool
	vars    map[string]any
}

func (h *byHand) selection(on string, sels ast.SelectionSet) bool {
	for _, sel := range sels {
		ok := true
		switch sel := sel.(type) {
		case *ast.Field:
			if members := handMembers[on]; members == nil {
				ok = h.field(on, sel)
			} else {
				for _, member := range members {
					ok = ok && h.field(member, sel)
				}
			}
		case *ast.InlineFragment:
			ok = h.selection(sel.TypeCondition, sel.SelectionSet)
		case *ast.FragmentSpread:
			ok = h.selection(sel.Definition.TypeCondition, sel.Definition.SelectionSet)
		}
		if !ok {
			return false
		}
	}
	return true
}

func (h *byHand) field(on string, f *ast.Field) bool {
	rule, ok := handRules[handAt{on, f.Name}]
	for _, permission := range rule.permissions {
		ok = ok && h.granted[permission]
	}
	if rule.template != "" {
		model, _ := h.vars[f.Arguments.ForName(rule.template).Value.Raw].(string)
		ok = ok && h.granted["content/"+model+"/read"]
	}
	if rule.argument != "" && f.Arguments.ForName(rule.argument) != nil {
		ok = ok && h.granted["admin/echo"]
	}
	if rule.input != "" {
		ok = ok && h.filter(h.vars[f.Arguments.ForName(rule.input).Value.Raw])
	}
	return ok && (rule.returns == "" || h.selection(rule.returns, f.SelectionSet))
}

func (h *byHand) filter(value any) bool {
	object, _ := value.(map[string]any)
	if _, written := object["admin"]; written && !h.granted["admin/filter"] {
		return false
	}
	return object["inner"] == nil || h.filter(object["inner"])
}

// What the check costs beside one that is written by hand for the same rules.
func BenchmarkJudgeByHand(b *testing.B) {
	granted := map[string]bool{}
	for _, permission := range []string{
		"key", "content/posts/read", "content/drafts/read", "content/secret/read", "content/titles/read", "users/email/read", "users/phone/read",
		"roles/editor", "super/scope", "admin/echo", "admin/filter",
	} {
		granted[permission] = true
	}
	for _, c := range benched {
		b.Run(c.name, func(b *testing.B) {
			j := newJudged(b, "admin", c.query, c.vars)
			b.ReportAllocs()
			for b.Loop() {
				h := byHand{granted: granted, vars: j.oc.Variables}
				if !h.selection("Query", j.oc.Operation.SelectionSet) {
					b.Fatal("refused")
				}
			}
		})
	}
}

// A whole request allocates at most seven times more with the extension and its limits than behind the guard alone.
func TestAllocationsOfAWholeRequest(t *testing.T) {
	count := func(o siteOptions, query string) float64 {
		s := newSite(t, o)
		body := asJSON(t, map[string]any{"query": query, "variables": vars})
		return testing.AllocsPerRun(200, func() {
			r := httptest.NewRequest("POST", "/graphql", strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("api-key", s.keys["admin"])
			w := httptest.NewRecorder()
			s.door.ServeHTTP(w, r)
			require.Equal(t, 200, w.Code)
		})
	}
	for name, query := range map[string]string{"four": four, "templated": templated, "many": many} {
		without := count(siteOptions{bare: true, noHandler: true, directives: passThrough()}, query)
		with := count(siteOptions{directives: passThrough()}, query)
		t.Logf("%s: %.0f and %.0f allocations", name, without, with)
		if !raceEnabled {
			require.LessOrEqual(t, with-without, 7.0, name)
		}
	}
}
