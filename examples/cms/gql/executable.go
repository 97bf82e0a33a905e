package gql

import (
	"context"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/latchkey-go/latchkey/examples/cms/content"
	"github.com/latchkey-go/latchkey/graphqlauth"
)

// An executable is a schema for gqlgen, made from the models of one version.
type executable struct {
	*endpoint
	schema *ast.Schema
}

// Schema implements graphql.ExecutableSchema.
func (e *executable) Schema() *ast.Schema { return e.schema }

// Complexity implements graphql.ExecutableSchema. graphqlauth.Secure and the size of the answer bound operations.
func (e *executable) Complexity(context.Context, string, string, int, map[string]any) (int, bool) {
	return 0, false
}

// Exec implements graphql.ExecutableSchema.
func (e *executable) Exec(context.Context) graphql.ResponseHandler {
	done := false
	return func(ctx context.Context) *graphql.Response {
		if done {
			return nil
		}
		done = true
		return e.run(ctx)
	}
}

// running is the time limit of an operation: the one of a single long list.
const running = 10 * time.Second

func (e *executable) run(ctx context.Context) *graphql.Response {
	ctx, cancel := context.WithTimeout(ctx, running)
	defer cancel()
	operation := graphql.GetOperationContext(ctx)
	root := e.schema.Query
	if operation.Operation.Operation == ast.Mutation {
		root = e.schema.Mutation
	}
	fields := graphql.CollectFields(operation, operation.Operation.SelectionSet, []string{root.Name})
	if len(fields) > graphqlauth.DefaultMaxAliases {
		return refused(ctx, &gqlerror.Error{Message: "the operation has too many root fields"})
	}
	r := &run{executable: e, left: content.MaxItems, outcome: outcomeOf(ctx)}
	r.answer = answer{schema: e.schema, operation: operation}
	r.answer.object(ctx, root, operation.Operation.SelectionSet, r)
	if r.answer.Len() > maxAnswer {
		return refused(ctx, &gqlerror.Error{Message: "the answer is too large: ask for less"})
	}
	if r.denied > 0 && (r.granted == 0 || root == e.schema.Mutation) {
		r.outcome.status = r.status
	}
	return &graphql.Response{Data: r.answer.Bytes(), Errors: r.answer.errors}
}

// refused answers an operation that was not run, or not to its end.
func refused(ctx context.Context, err *gqlerror.Error) *graphql.Response {
	outcomeOf(ctx).invalid = true
	return &graphql.Response{Errors: gqlerror.List{err}}
}

// An outcome is what the transport needs besides the response.
type outcome struct {
	status   int   // 0 is 200
	invalid  bool  // the operation was not run
	storeErr error // a store failed, so there is no answer
}

type outcomeKey struct{}

func outcomeOf(ctx context.Context) *outcome {
	o, ok := ctx.Value(outcomeKey{}).(*outcome)
	if !ok {
		return &outcome{status: http.StatusInternalServerError}
	}
	return o
}
