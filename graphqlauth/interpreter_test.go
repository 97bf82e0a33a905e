package graphqlauth_test

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/latchkey-go/latchkey/graphqlauth"
)

// An interpreter answers operations over any schema with made-up data: what is at a path is random, and the same each
// time. ask is called for each field of each object; where it says no, the field is null.
type interpreter struct {
	*reference // for what is selected, not for what is allowed
	seed       uint64
	ask        func(ctx context.Context, object *ast.Definition, field graphql.CollectedField) (inner context.Context, ok bool)
}

// run is the answer, nil where null went up to the root.
func (in *interpreter) run(ctx context.Context, root *ast.Definition) any {
	if object, ok := in.object(ctx, root, in.operation.SelectionSet, ""); ok {
		return object
	}
	return nil
}

// choose is a number below n that belongs to a path.
func (in *interpreter) choose(path, what string, n int) int {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %s %s", in.seed, path, what)
	return int(h.Sum64() >> 8 % uint64(n))
}

// object is not ok if a field is null that cannot be. Its other fields are resolved anyway, as in gqlgen.
func (in *interpreter) object(ctx context.Context, def *ast.Definition, sels ast.SelectionSet, path string) (any, bool) {
	object, whole := map[string]any{}, true
	for _, field := range in.collect(def, sels) {
		if field.Name == "__typename" {
			object[field.Alias] = def.Name
			continue
		}
		t, path := def.Fields.ForName(field.Name).Type, path+"/"+field.Alias
		inner, ok := in.ask(ctx, def, field)
		if !ok {
			object[field.Alias] = nil
			whole = whole && !t.NonNull
			continue
		}
		value, ok := in.complete(inner, t, field.Selections, path)
		object[field.Alias] = value
		whole = whole && ok
	}
	if !whole {
		return nil, false
	}
	return object, true
}

// collect merges fields that have one name in the answer.
func (in *interpreter) collect(def *ast.Definition, sels ast.SelectionSet) (all []graphql.CollectedField) {
next:
	for _, node := range in.fields(def, sels) {
		for i := range all {
			if all[i].Alias == node.Alias {
				all[i].Selections = append(all[i].Selections, node.SelectionSet...)
				continue next
			}
		}
		all = append(all, graphql.CollectedField{Field: node, Selections: append(ast.SelectionSet{}, node.SelectionSet...)})
	}
	return all
}

// complete makes up a value. It is not ok if null must go further up.
func (in *interpreter) complete(ctx context.Context, t *ast.Type, sels ast.SelectionSet, path string) (any, bool) {
	value, ok := in.value(ctx, t, sels, path)
	if !ok || value == nil {
		return nil, !t.NonNull
	}
	return value, true
}

func (in *interpreter) value(ctx context.Context, t *ast.Type, sels ast.SelectionSet, path string) (any, bool) {
	if !t.NonNull && in.choose(path, "null", 10) == 0 {
		return nil, true
	}
	if t.Elem != nil {
		list, whole := []any{}, true
		for i := range in.choose(path, "length", 4) {
			item, ok := in.complete(ctx, t.Elem, sels, fmt.Sprint(path, "/", i))
			list = append(list, item)
			whole = whole && ok
		}
		return list, whole
	}
	def := in.schema.Types[t.NamedType]
	if !def.IsCompositeType() {
		return "value of " + path, true
	}
	possible := objectsOf(in.schema, def)
	if len(possible) == 0 {
		return nil, true
	}
	return in.object(ctx, possible[in.choose(path, "type", len(possible))], sels, path)
}

// A fakeServer is an executable schema as gqlgen generates them, answered by an interpreter. It calls the middleware
// and, where a directive of ours is, the hook.
type fakeServer struct {
	schema *ast.Schema
	seed   uint64
	sent   map[string]any
	ran    int // resolvers
	budget int // see reference
}

func (s *fakeServer) Schema() *ast.Schema { return s.schema }

func (s *fakeServer) Complexity(context.Context, string, string, int, map[string]any) (int, bool) {
	return 0, false
}

func (s *fakeServer) Exec(ctx context.Context) graphql.ResponseHandler {
	oc := graphql.GetOperationContext(ctx)
	root := map[ast.Operation]*ast.Definition{ast.Query: s.schema.Query, ast.Mutation: s.schema.Mutation}[oc.Operation.Operation]
	in := &interpreter{
		reference: &reference{schema: s.schema, operation: oc.Operation, sent: s.sent, budget: s.budget}, seed: s.seed,
		ask: func(ctx context.Context, object *ast.Definition, field graphql.CollectedField) (context.Context, bool) {
			ctx = graphql.WithFieldContext(ctx, &graphql.FieldContext{Object: object.Name, Field: field, IsMethod: true})
			resolve := func(inner context.Context) (any, error) {
				s.ran++
				ctx = inner
				return "something", nil
			}
			next := resolve
			if len(object.Fields.ForName(field.Name).Directives) > 0 {
				next = func(ctx context.Context) (any, error) { return graphqlauth.Cleared(ctx, nil, resolve) }
			}
			value, err := oc.ResolverMiddleware(ctx, next)
			switch {
			case err != nil:
				oc.Error(ctx, err)
			case value == nil && object.Fields.ForName(field.Name).Type.NonNull:
				graphql.AddErrorf(ctx, "must not be null")
			}
			return ctx, value != nil && err == nil
		},
	}
	return func(ctx context.Context) *graphql.Response {
		data, err := json.Marshal(in.run(ctx, root))
		if err != nil {
			panic(err)
		}
		return &graphql.Response{Data: data}
	}
}
