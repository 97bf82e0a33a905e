package graphqlauth_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/graphqlauth"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

var needsDirective = graphqlauth.WithDirective("needs", func(d *ast.Directive) (graphqlauth.Rule, error) {
	return graphqlauth.Require(d.Arguments.ForName("p").Value.Raw), nil
})

// A crowd is all callers of a test.
type crowd struct {
	guard   *auth.Guard
	policy  *roles.Policy
	callers []caller
}

type caller struct {
	name   string
	ctx    context.Context
	known  bool
	role   string
	scopes []string
}

func newCrowd(t testing.TB) *crowd {
	c := &crowd{policy: roles.MustCompile(
		roles.Role{AppID: "none"},
		roles.Role{AppID: "public", Permissions: roles.Grants{"a": true, "t/x": true}},
		roles.Role{AppID: "ab", Permissions: roles.Grants{"a": true, "b": true}},
		roles.Role{AppID: "t", Permissions: roles.Grants{"t/*": true, "t/y": false, "b": true, "c": true}},
		roles.Role{AppID: "most", Permissions: roles.Grants{"**": true, "c": false}},
	)}
	ring := keys.NewRing(keys.NewMemoryStore())
	t.Cleanup(func() { _ = ring.Close(context.Background()) })
	var err error
	c.guard, err = auth.New(auth.Config{Keys: ring, Roles: c.policy, Anonymous: publicapi.Fixed("public")})
	require.NoError(t, err)
	add := func(name, role string, scopes []string, header http.Header) {
		p, err := c.guard.CheckCall(t.Context(), auth.Call{Header: header})
		require.NoError(t, err)
		c.callers = append(c.callers, caller{name, auth.NewContext(t.Context(), p), p.Authenticated(), role, scopes})
	}
	c.callers = []caller{{name: "stranger", ctx: t.Context()}}
	add("anonymous", "public", nil, http.Header{})
	for _, role := range append(c.policy.AppIDs(), roles.Admin) {
		for _, scopes := range [][]string{nil, {"a", "t/x"}} {
			issued, err := ring.IssueCustom(t.Context(), keys.Custom{Name: role, Role: role, Scopes: scopes})
			require.NoError(t, err)
			add(fmt.Sprint(role, scopes), role, scopes, http.Header{"Api-Key": {issued.Key.Reveal()}})
		}
	}
	require.False(t, c.callers[1].known)
	require.True(t, c.callers[2].known)
	return c
}

// A comparison asks servers over one schema, which differ in their mode alone, and the reference.
type comparison struct {
	*crowd
	schema  *ast.Schema
	open    bool
	server  *fakeServer
	partial *executor.Executor
	reject  *executor.Executor
}

func (c *crowd) over(schema *ast.Schema, seed uint64, open bool) *comparison {
	x := &comparison{crowd: c, schema: schema, open: open, server: &fakeServer{schema: schema, seed: seed}}
	opts := []graphqlauth.Option{needsDirective, graphqlauth.WithMaxAliases(0)}
	if open {
		opts = append(opts, graphqlauth.WithInsecureDefault())
	}
	serve := func(m graphqlauth.Mode) *executor.Executor {
		e := executor.New(x.server)
		e.SetQueryCache(graphql.MapCache[*ast.QueryDocument]{})
		e.Use(graphqlauth.New(c.guard, append(slices.Clone(opts), graphqlauth.WithMode(m))...))
		return e
	}
	x.partial, x.reject = serve(graphqlauth.ModePartial), serve(graphqlauth.ModeReject)
	return x
}

// What became of an operation.
const (
	notValid = iota
	allAllowed
	wholeRefused // in Partial mode too
	partsDenied
	nothingMet // something could have been denied, and no object was there of which it was
	onlyStatic // a subscription: the verdict was compared, nothing ran
)

// compare asks both as one caller and tells how they differ.
func (x *comparison) compare(as caller, document string, sent map[string]any) (became int, difference string) {
	ctx := graphql.StartOperationTrace(as.ctx)
	create := func(e *executor.Executor) (*graphql.OperationContext, gqlerror.List) {
		return e.CreateOperationContext(ctx, &graphql.RawParams{Query: document, Variables: copied(sent).(map[string]any)})
	}
	oc, errs := create(x.reject)
	if len(errs) > 0 && !isDenial(errs[0]) {
		return notValid, ""
	}
	ref := &reference{
		schema: x.schema, policy: x.policy, open: x.open, known: as.known, role: as.role, scopes: as.scopes,
		operation: oc.Operation, sent: sent, budget: x.server.budget,
	}
	root := map[ast.Operation]*ast.Definition{
		ast.Query: x.schema.Query, ast.Mutation: x.schema.Mutation, ast.Subscription: x.schema.Subscription,
	}[oc.Operation.Operation]
	all := ref.everything(root, oc.Operation.SelectionSet)
	if difference = differ(all, coordinates(as, errs)); difference != "" {
		return 0, "reject: " + difference
	}
	if root == x.schema.Subscription {
		return onlyStatic, ""
	}

	x.server.ran, x.server.sent = 0, sent
	oc, errs = create(x.partial)
	if denials, whole := ref.deniedRoots(root); whole {
		if difference = differ(denials, coordinates(as, errs)); difference != "" {
			return 0, "partial, refused: " + difference
		}
		return wholeRefused, ""
	}
	if len(errs) > 0 {
		return 0, fmt.Sprint("partial: TOO STRICT: ", errs)
	}
	denials, asked := [][]string{}, 0
	in := &interpreter{reference: ref, seed: x.server.seed, ask: func(ctx context.Context, object *ast.Definition, f graphql.CollectedField) (context.Context, bool) {
		if d := ref.denied(object, f.Field); d != nil {
			denials = append(denials, d)
			return ctx, false
		}
		asked++
		return ctx, true
	}}
	want, err := json.Marshal(in.run(ctx, root))
	if err != nil {
		return 0, err.Error()
	}
	respond, inner := x.partial.DispatchOperation(ctx, oc)
	response := respond(inner)
	if string(want) != string(response.Data) {
		return 0, fmt.Sprintf("partial: answered\n%s, not\n%s", response.Data, want)
	}
	if asked != x.server.ran {
		return 0, fmt.Sprintf("partial: %d resolvers ran, not %d", x.server.ran, asked)
	}
	reported := coordinates(as, response.Errors)
	if difference = differ(denials, reported); difference != "" {
		return 0, "partial: " + difference
	}
	switch {
	case len(denials) > 0:
		return partsDenied, ""
	case len(all) > 0:
		return nothingMet, ""
	}
	return allAllowed, ""
}

// deniedRoots are the denials of root fields. It is whole if there is no other root field.
func (r *reference) deniedRoots(root *ast.Definition) (denials [][]string, whole bool) {
	judged := 0
	for _, node := range r.fields(root, r.operation.SelectionSet) {
		if node.Name != "__typename" {
			judged++
			if d := r.denied(root, node); d != nil {
				denials = append(denials, d)
			}
		}
	}
	return denials, judged > 0 && len(denials) == judged
}

func isDenial(err *gqlerror.Error) bool {
	code := err.Extensions["code"]
	return code == graphqlauth.CodeUnauthenticated || code == graphqlauth.CodeForbidden || code == graphqlauth.CodeUnavailable
}

// coordinates are those that errors tell, each once for each missing permission.
func coordinates(as caller, errs gqlerror.List) (all []string) {
	code := map[bool]string{false: graphqlauth.CodeUnauthenticated, true: graphqlauth.CodeForbidden}[as.known]
	reported := map[[2]any]bool{}
	for _, err := range errs {
		coordinate, _ := err.Extensions["coordinate"].(string)
		one := [2]any{coordinate, err.Extensions["permission"]}
		if err.Extensions["code"] != code || reported[one] || !as.known && one[1] != nil {
			return []string{fmt.Sprint("another error: ", err, err.Extensions)}
		}
		reported[one] = true
		also, _ := err.Extensions["also"].([]string)
		all = append(append(all, coordinate), also...)
	}
	return all
}

// maxTold is how many coordinates a refusal lists.
const maxReported = 20

// differ compares the expected denials with the reported ones: each denial is reported by one of its coordinates, and
// nothing else is reported.
func differ(denials [][]string, reported []string) string {
	for _, coordinate := range reported {
		if !slices.ContainsFunc(denials, func(d []string) bool { return slices.Contains(d, coordinate) }) {
			return fmt.Sprintf("TOO STRICT: %s is reported, and of %v", coordinate, denials)
		}
	}
	if len(reported) == 0 && len(denials) > 0 {
		return fmt.Sprintf("TOO PERMISSIVE: nothing is reported of %v", denials)
	}
	for _, d := range denials {
		if len(reported) <= maxReported && !slices.ContainsFunc(d, func(coordinate string) bool { return slices.Contains(reported, coordinate) }) {
			return fmt.Sprintf("TOO PERMISSIVE: %v is not reported, only %v", d, reported)
		}
	}
	return ""
}

// copied is a deep copy: gqlgen writes to the variables that it is given.
func copied(value any) any {
	switch value := value.(type) {
	case map[string]any:
		twin := map[string]any{}
		for k, v := range value {
			twin[k] = copied(v)
		}
		return twin
	case []any:
		twin := make([]any, len(value))
		for i, v := range value {
			twin[i] = copied(v)
		}
		return twin
	}
	return value
}

// The extension's verdict on random operations over random schemas is that of the reference, which asks about each
// object: what is refused, which fields are null, which errors are reported, and which resolvers run.
func TestVerdicts(t *testing.T) {
	operations, bound := 4_000, 10*time.Second
	if os.Getenv("LATCHKEY_LONG") == "1" {
		operations, bound = 100_000, 9*time.Minute
	}
	seed := rand.Uint64()
	if given := os.Getenv("LATCHKEY_SEED"); given != "" {
		var err error
		seed, err = strconv.ParseUint(given, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("LATCHKEY_SEED=%d", seed)
	crowd := newCrowd(t)
	begun, schemas, total, became := time.Now(), 0, 0, map[int]int{}
	for ; total < operations && time.Since(begun) < bound; schemas++ {
		r := rand.New(rand.NewPCG(seed, uint64(schemas)))
		sdl := randomSchema(r)
		schema, err := gqlparser.LoadSchema(&ast.Source{Input: graphqlauth.SDL + randomDirectives}, &ast.Source{Input: sdl})
		require.NoError(t, err, sdl)
		x := crowd.over(schema, r.Uint64(), r.IntN(4) == 0)
		for range 50 {
			document, sent := randomOperation(r, schema)
			as := pick(r, crowd.callers)
			what, difference := x.compare(as, document, sent)
			require.Empty(t, difference, "schema %d, as %s, variables %v\n%s\n%s", schemas, as.name, sent, sdl, document)
			if became[what]++; what != notValid {
				total++
			}
		}
	}
	t.Logf("0 differences in %d operations over %d schemas, %v: %d allowed, %d refused, %d partly denied, %d met nothing, %d subscriptions; %d more were not valid",
		total, schemas, time.Since(begun).Round(time.Millisecond), became[allAllowed], became[wholeRefused], became[partsDenied], became[nothingMet], became[onlyStatic], became[notValid])
	if os.Getenv("LATCHKEY_LONG") == "1" {
		require.GreaterOrEqual(t, total, operations, "not all operations in time")
	}
	for what, least := range map[int]int{allAllowed: 10, wholeRefused: 10, partsDenied: 10, nothingMet: 1, onlyStatic: 1} {
		require.Greater(t, became[what]*100, total*least/2, "the operations are not random enough: %v", became)
	}
}

// fuzzed is the schema of FuzzVerdicts: something of everything.
const fuzzed = `
	type Query implements Node @public {
		id: ID! node(id: ID!): Node nodes: [Node!] any: [Any]! self: Query
		known: String @authenticated template(x: String = "x", g: G): String @can(permission: "t/{x}") @can(permission: "t/{g}")
		find(in: In, many: [In!], deep: [[In]], q: Boolean = true @can(permission: "a")): [Node]
	}
	type Mutation { save(in: In!): Thing! drop: Thing @can(permission: "d/e") }
	type Subscription { things(in: In): Thing }
	enum G { x y }
	interface Node { id: ID! }
	interface Titled implements Node { id: ID! title(raw: Boolean @can(permission: "b")): String @can(permission: "a") owner: Node }
	type Thing implements Node & Titled @requiresScopes(scopes: [["a", "b"], ["c"]]) { id: ID! title(raw: Boolean): String owner: Owner thing: Thing! }
	type Owner implements Node { id: ID! secret: String! @can(permission: "c") things: [[Titled]!] }
	type Page implements Node & Titled { id: ID! title(raw: Boolean): String! owner: Thing any: Any }
	union Any = Owner | Page
	union Few @needs(p: "b") = Page
	input In { flag: Boolean @can(permission: "b") text: String = "x" @authenticated in: In list: [[Other!]] }
	input Other @needs(p: "a") { in: In g: G = y @can(permission: "c") }
`

// What the fuzzer makes of documents and variables is judged as by the reference, too.
func FuzzVerdicts(f *testing.F) {
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: graphqlauth.SDL + randomDirectives}, &ast.Source{Input: fuzzed})
	require.NoError(f, err)
	for _, document := range []string{
		`{node(id: "1") {...F ...on Node {...F}}} fragment F on Titled {title(raw: true) owner {...on Owner {secret}}}`,
		`query($i: In, $b: Boolean = true) {find(in: $i, deep: {in: $i}) {id @skip(if: $b)} a: find(in: {in: {flag: $b}}) {id}}`,
		`mutation($i: In = {flag: null}) {save(in: {in: $i}) {id thing {title}}}`,
		`{any {...on Few {any {...on Page {title}}} ...on Owner {things {title}}} template(g: x) known}`,
		`subscription {things(in: {list: [{g: x}]}) {owner {secret}}}`,
	} {
		f.Add(document, `{"i": {"flag": null, "list": [[{"in": {}}], null]}}`, uint8(3))
	}
	for i := range uint64(20) {
		document, sent := randomOperation(rand.New(rand.NewPCG(1, i)), schema)
		variables, err := json.Marshal(sent)
		require.NoError(f, err)
		f.Add(document, string(variables), uint8(i))
	}
	crowd := newCrowd(f)
	f.Fuzz(func(t *testing.T, document, variables string, who uint8) {
		decoder := json.NewDecoder(strings.NewReader(variables))
		decoder.UseNumber()
		sent := map[string]any{}
		if decoder.Decode(&sent) != nil || sent == nil || len(document) > 2000 || strings.Contains(document, "__schema") || strings.Contains(document, "__type(") {
			t.Skip()
		}
		x := crowd.over(schema, 1, false)
		defer func() {
			if r := recover(); r == tooMuch {
				t.Skip(r)
			} else if r != nil {
				panic(r)
			}
		}()
		x.server.budget = 20_000
		as := crowd.callers[int(who)%len(crowd.callers)]
		_, difference := x.compare(as, document, sent)
		require.Empty(t, difference, "as %s", as.name)
	})
}

// What TestVerdicts found once.
func TestInterfacesOfInterfaces(t *testing.T) {
	c := newCourt(t, `
		type Query {i: I0 @public} interface I0 {id: ID} interface I1 implements I0 {id: ID}
		type A implements I0 & I1 {id: ID @can(permission: "a")} type B implements I0 {id: ID}`)
	c.deny("none", `{i {id}}`, "A.id")
	c.allow("none", `{i {...on B {id}}}`)
	c.allow("a", `{i {...on I1 {id}}}`)
}

func TestARootBehindAnInterface(t *testing.T) {
	c := newCourt(t, `
		interface Node {id: ID} type Query implements Node @public {id: ID node: Node}
		type A implements Node {id: ID secret: String @can(permission: "a")}`)
	c.allow("none", `{...on Node {id ...on A {secret}}}`)
	c.allow("none", `{...F} fragment F on Node {...G} fragment G on A {secret}`)
	c.deny("none", `{...on Node {...on Query {node {...on A {secret}}}}}`, "A.secret")
}
