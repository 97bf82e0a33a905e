package graphqlauth_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/latchkey-go/latchkey/graphqlauth"
)

// largeSchema writes a schema of so many object types as generators make them: entities with connections, edges, filters
// and orders, unions, an interface, and a viewer that is the root again.
func largeSchema(r *rand.Rand, types int) string {
	n := types / 3
	rule := func(p float64) string {
		if r.Float64() >= p {
			return ""
		}
		return pick(r, []string{` @can(permission: "a")`, ` @can(permission: "b")`, ` @authenticated`, ` @requiresScopes(scopes: [["a", "b"], ["c"]])`})
	}
	var b, query strings.Builder
	b.WriteString("interface Node { id: ID! }\nenum Way { asc desc }\n")
	for i := range n {
		b.WriteString(fmt.Sprintf("type E%[1]dConnection { edges: [E%[1]dEdge] nodes: [E%[1]d!] totalCount: Int }\ntype E%[1]dEdge { node: E%[1]d cursor: ID! }\n", i))
		onType := rule(0.05)
		fmt.Fprintf(&b, "type E%d implements Node%s {\n id: ID!\n", i, onType)
		where := fmt.Sprintf("input E%[1]dWhereInput {\n not: E%[1]dWhereInput and: [E%[1]dWhereInput!] id: ID\n", i)
		for c := range 4 {
			own, null := rule(0.2), pick(r, []string{"", "", "", "!"})
			fmt.Fprintf(&b, " c%d: String%s%s\n", c, null, own)
			where += fmt.Sprintf(" c%[1]d: String c%[1]dHasPrefix: String c%[1]dIn: [String!]\n", c)
		}
		for c := range 2 {
			to := r.IntN(n)
			fmt.Fprintf(&b, " r%[1]d: E%[2]d%[3]s\n l%[1]d(where: E%[2]dWhereInput, first: Int%[4]s): E%[2]dConnection!%[5]s\n", c, to, rule(0.05), pick(r, []string{"", "", "", ` @can(permission: "b")`}), rule(0.05))
			where += fmt.Sprintf(" hasR%[1]d: Boolean hasR%[1]dWith: [E%[2]dWhereInput!]\n", c, to)
		}
		fmt.Fprintf(&b, " u: [U%d]\n}\nunion U%d = E%d | E%d | E%d\n%s}\n", r.IntN(n), i, i, (i+1)%n, (i+7)%n, where)
		fmt.Fprintf(&query, " e%[1]d(where: E%[1]dWhereInput): E%[1]dConnection @public\n u%[1]d: [U%[1]d!]%[2]s\n", i, pick(r, []string{" @public", ""}))
	}
	return b.String() + "type Query {\n viewer: Query @public\n node(id: ID!): Node @public\n" + query.String() + "}\ntype Mutation { touch: Query }\ntype Subscription { node: Node }\n"
}

// Over schemas as large as those of generators nothing leaks, every null has its error, and the tools stay usable.
func TestLargeSchemas(t *testing.T) {
	operations := 150
	if os.Getenv("LATCHKEY_LONG") == "1" {
		operations = 2_000
	}
	crowd := newCrowd(t)
	for _, types := range []int{300, 1000} {
		seed := rand.Uint64()
		t.Logf("%d types, seed %d", types, seed)
		r := rand.New(rand.NewPCG(seed, 0))
		sdl := largeSchema(r, types)
		schema, err := gqlparser.LoadSchema(&ast.Source{Input: graphqlauth.SDL + randomDirectives}, &ast.Source{Input: sdl})
		require.NoError(t, err)

		began := time.Now()
		findings := graphqlauth.Lint(schema, nil, needsDirective)
		graphqlauth.Exposure(schema, crowd.policy, "public", needsDirective)
		require.Less(t, time.Since(began), 20*time.Second)
		t.Logf("Lint and Exposure in %v: %d findings", time.Since(began).Round(time.Millisecond), len(findings))
		x := crowd.over(schema, r.Uint64(), false)
		became, total := map[int]int{}, 0
		for total < operations {
			document, sent := randomOperation(r, schema)
			as := pick(r, crowd.callers)
			what, difference, ok := x.affordably(as, document, sent)
			if !ok {
				continue
			}
			require.Empty(t, difference, "as %s, variables %v\n%s", as.name, sent, document)
			if became[what]++; what != notValid {
				total++
			}
		}
		t.Logf("0 differences in %d operations: %v", total, became)
		require.NotZero(t, became[partsDenied]+became[wholeRefused])
	}
}

// affordably is compare, unless the reference needs too many steps: it looks at each object type behind an interface.
func (x *comparison) affordably(as caller, document string, sent map[string]any) (what int, difference string, ok bool) {
	x.server.budget = 50_000
	defer func() {
		if r := recover(); r == tooMuch {
			ok = false
		} else if r != nil {
			panic(r)
		}
	}()
	what, difference = x.compare(as, document, sent)
	return what, difference, true
}
