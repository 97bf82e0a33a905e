package graphqlauth_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/graphqlauth"
)

// bombs are documents that are small to send. Each is refused before anything runs, and soon.
func bombs() map[string]string {
	flat, deep := strings.Builder{}, strings.Builder{}
	for i := range 30 {
		fmt.Fprintf(&flat, " fragment F%d on Query{...F%d ...F%d}", i, i+1, i+1)
		fmt.Fprintf(&deep, " fragment D%d on Query{a:self{...D%d} b:self{...D%d}}", i, i+1, i+1)
	}
	return map[string]string{
		"aliases":            "{" + repeatf(1000, "a%d:public ") + "}",
		"aliases of nothing": "{" + repeatf(1000, "a%d:__typename ") + "}",
		"aliases by fragment": "{...A ...B} fragment A on Query{" + repeatf(30, "a%d:public ") + "} fragment B on Query{" +
			repeatf(30, "b%d:public ") + "}",
		"depth":         strings.Repeat("{self", 500) + "{public}" + strings.Repeat("}", 500),
		"depth, barely": strings.Repeat("{self", 20) + "{public}" + strings.Repeat("}", 20),
		"depth, inline": strings.Repeat("{...{self", 20) + "{public}" + strings.Repeat("}}", 20),
		"tokens":        "{ " + strings.Repeat("a :", 500_000) + " }",
		"circle":        "{...A} fragment A on Query{...B} fragment B on Query{...A}",
		"fragments":     "{self{...F0}}" + flat.String() + " fragment F30 on Query{public}",
		"one field":     "{" + strings.Repeat("public ", 9_990) + "}",
		"one object":    "{" + strings.Repeat("secret{id}", 2_490) + "}",
		"one list":      "{self{" + strings.Repeat("...on Query{public}", 1_600) + "}}",
		"spreads":       "{" + repeatf(1000, "...S%d ") + "}" + repeatf(1000, "fragment S%[1]d on Query{a%[1]d:public} "),
		"deep values":   "{" + repeatf(2, "a%d:filter(by:"+strings.Repeat("{inner:", 900)+"{text:\"x\"}"+strings.Repeat("}", 900)+")") + "}",
		"deep defaults": "query($f:Filter=" + strings.Repeat("{inner:", 900) + "{text:\"x\"}" + strings.Repeat("}", 900) + "){filter(by:$f)}",
		"deep bomb":     "{self{...D0}}" + deep.String() + " fragment D30 on Query{public}",
	}
}

func repeatf(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// What is large, and no bomb, passes.
func TestLargeDocumentsAreAnswered(t *testing.T) {
	s := newSite(t, siteOptions{})
	for _, query := range []string{
		"{" + strings.Repeat("public ", 50) + "}",
		"{users(n:1){" + repeatf(3000, "a%d:id ") + "}}",
		"{users(n:1){" + strings.Repeat("id ", 600) + "}}",
		"{users(n:1){" + repeatf(300, "...F%d ") + "}}" + repeatf(300, "fragment F%[1]d on User{a%[1]d:id} "),
		"{filter(by:{list:[[" + strings.Repeat(`{text:"x"}`, 1500) + "]]})}",
	} {
		r := s.ask("admin", query)
		require.Equal(t, 200, r.status, r.body[:min(len(r.body), 300)])
		require.Empty(t, r.Errors)
	}
	for _, query := range []string{`{a:public a:mine}`, `{echo(text:1)}`, `{self{public:mine ...on Query{public}}}`, `{filter(by:{text:1})}`} {
		require.Equal(t, 422, s.ask("admin", query).status, "%s: the costly rules hold", query)
	}
}

func TestBombsAreRefused(t *testing.T) {
	s := newSite(t, siteOptions{})
	for name, query := range bombs() {
		t.Run(name, func(t *testing.T) {
			s.t = t
			start := time.Now()
			r := s.ask("admin", query)
			require.Less(t, time.Since(start), 5*time.Second)
			require.Equal(t, 422, r.status, r.body)
			require.Nil(t, r.Data)
			require.NotEmpty(t, r.Errors)
			require.Zero(t, r.ran)
		})
	}
	require.Equal(t, 200, s.ask("admin", strings.Repeat("{self", 19)+"{public}"+strings.Repeat("}", 19)).status)
	require.Equal(t, 200, s.ask("admin", "{"+repeatf(graphqlauth.DefaultMaxAliases, "a%d:public ")+"}").status)
}

// The walk itself is linear in the document, also where a host has not called Secure.
func TestTheWalkIsLinear(t *testing.T) {
	c := newCourt(t, `
		interface A {a:A b:B c:C f:String} interface B {a:A b:B c:C f:String} interface C {a:A b:B c:C f:String}
		type X implements A & B & C {a:A b:B c:C f:String @can(permission:"a")}
		type Y implements A & B {a:A b:B c:C f:String} type Z implements B & C {a:A b:B c:C f:String}
		type Query @public {a:A b:B c:C}`)
	var query strings.Builder
	query.WriteString("{a{...F0}}")
	for i := range 60 {
		next := i + 1
		fmt.Fprintf(&query, " fragment F%d on %s{a{...F%d} b{...F%d} c{...F%d} ...on A{...F%d} ...on B{...F%d} ...on C{...F%d}}",
			i, string("ABC"[i%3]), next, next, next, next, next, next)
	}
	query.WriteString(" fragment F60 on A{f}")
	start := time.Now()
	c.deny("none", query.String(), "X.f")
	c.allow("a", query.String())
	require.Less(t, time.Since(start), 10*time.Second)
}

// A large value in a variable is looked through once, however often the document uses it.
func TestALargeVariableIsJudgedOnce(t *testing.T) {
	c := newCourt(t, `
		input In {text:String guarded:String @can(permission:"a") list:[In!]}
		type Query @public {f(in:In):String}`, graphqlauth.WithMaxAliases(0))
	list := make([]any, 100_000)
	for i := range list {
		list[i] = map[string]any{"text": "x"}
	}
	vars := map[string]any{"in": map[string]any{"list": list}}
	query := "query($in:In){" + repeatf(2000, "a%d:f(in:$in) ") + "}"
	start := time.Now()
	c.allow("none", query, vars)
	list[len(list)-1] = map[string]any{"guarded": nil}
	c.deny("none", query, "In.guarded", vars)
	limit := 10 * time.Second
	if raceEnabled {
		limit = time.Minute
	}
	require.Less(t, time.Since(start), limit)
}
