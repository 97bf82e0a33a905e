package graphqlauth

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/latchkey-go/latchkey/auth"
)

// The codes in an error's extensions.
const (
	CodeUnauthenticated = "UNAUTHENTICATED" // the caller is not authenticated; a valid key may help
	CodeForbidden       = "FORBIDDEN"       // the caller is authenticated and not allowed
	CodeUnavailable     = "UNAVAILABLE"     // no decision is possible now; try again
)

// A denial is a coordinate that the caller may not reach, and the missing permission, if it is for the lack of one.
type denial struct {
	coordinate string
	permission string
}

// maxReported is how many coordinates the error of a refused operation lists, and the observer is told.
const maxReported = 20

// denials collects the first denials of an operation, without repetition.
type denials struct {
	list  []denial
	first *ast.Field
}

func (ds *denials) add(d denial, node *ast.Field) {
	if ds.first == nil {
		ds.first = node
	}
	if len(ds.list) <= maxReported && !slices.Contains(ds.list, d) {
		ds.list = append(ds.list, d)
	}
}

// denied returns the error for a denial. Only an authenticated caller is told which permission is missing.
func denied(authenticated bool, d denial) *gqlerror.Error {
	refusal := &auth.Refusal{Status: http.StatusUnauthorized, Reason: auth.ReasonNotGranted}
	if authenticated {
		refusal.Status, refusal.Missing = http.StatusForbidden, d.permission
	}
	err := refused(refusal)
	err.Extensions["coordinate"] = d.coordinate
	return err
}

// refuse returns the error for an operation that is refused as a whole.
func (ds *denials) refuse(authenticated bool) *gqlerror.Error {
	err := denied(authenticated, ds.list[0])
	if ds.first.Position != nil {
		err.Locations = []gqlerror.Location{{Line: ds.first.Position.Line, Column: ds.first.Position.Column}}
	}
	var also []string
	for _, d := range ds.list[1:] {
		if d.coordinate != ds.list[0].coordinate && !slices.Contains(also, d.coordinate) {
			also = append(also, d.coordinate)
		}
	}
	if also != nil {
		err.Extensions["also"] = also
	}
	return err
}

// A partial decides on each field and object of an operation of which a part is denied. It uses the policy and the
// principal with which the operation started.
type partial struct {
	by       *Extension
	caller   caller       // with its policy loaded
	reported sync.Map     // denials
	observed atomic.Int32 // how many of them the observer was told
}

// around returns the middleware of this operation; next is the operation's previous one.
func (p *partial) around(next graphql.FieldMiddleware) graphql.FieldMiddleware {
	return func(ctx context.Context, resolver graphql.Resolver) (any, error) {
		if err, ok := p.allows(ctx); !ok {
			return nil, err
		}
		return next(ctx, resolver)
	}
}

// allows decides on the field in ctx and the object that it is on. If it is denied, err is the error for the client,
// or nil if the client has it already.
func (p *partial) allows(ctx context.Context) (err error, ok bool) {
	f, at := p.caller.plan.fieldOf(ctx)
	if f == nil {
		return denied(p.caller.authenticated, denial{coordinate: at}), false
	}
	if f.free {
		return nil, true
	}
	w := walk{caller: p.caller, vars: graphql.GetOperationContext(ctx).Variables} // as they are now
	if w.reached(f, graphql.GetFieldContext(ctx).Field.Field) {
		return nil, true
	}
	return p.errorFor(ctx, f, w.denials.list[0]), false
}

// fieldOf returns the field that runs with ctx, or nil, and its coordinate.
func (p *plan) fieldOf(ctx context.Context) (f *field, at string) {
	fc := graphql.GetFieldContext(ctx)
	if fc == nil || fc.Field.Field == nil {
		return nil, ""
	}
	if t := p.types[fc.Object]; t != nil && !t.abstract {
		f = t.fields[fc.Field.Name]
	}
	if f == nil {
		return nil, fc.Object + "." + fc.Field.Name
	}
	return f, f.coordinate
}

// errorFor returns the error of a denied field. A nullable field needs one error for its coordinate. A non-null field
// always needs one, because only an error makes its object null; InterceptResponse drops the repeated ones.
func (p *partial) errorFor(ctx context.Context, f *field, d denial) error {
	_, repeated := p.reported.LoadOrStore(d, true)
	if !repeated && p.observed.Add(1) <= maxReported {
		p.by.observeDenials(ctx, d)
	}
	if repeated && !f.nonNull {
		return nil
	}
	return denied(p.caller.authenticated, d)
}
