package graphqlauth

import (
	"context"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// A partial decides field by field, and object by object, in an operation of which something is denied. It asks by
// the policy and for the principal of the operation's start.
type partial struct {
	asker asker // ready
	vars  map[string]any

	mu   sync.Mutex
	told map[denial]bool
}

// around is the middleware of this one operation. next is the one that it had.
func (p *partial) around(next graphql.FieldMiddleware) graphql.FieldMiddleware {
	return func(ctx context.Context, resolver graphql.Resolver) (any, error) {
		if err, ok := p.allows(ctx); !ok {
			return nil, err
		}
		return next(ctx, resolver)
	}
}

// allows decides about the field that ctx is about, on the object that it is on. If it is denied, err is what the
// caller hears of that, if anything.
func (p *partial) allows(ctx context.Context) (err error, ok bool) {
	fc := graphql.GetFieldContext(ctx)
	if fc == nil || fc.Field.Field == nil {
		return denied(p.asker.known, denial{}), false
	}
	var f *field
	if t := p.asker.plan.types[fc.Object]; t != nil {
		f = t.fields[fc.Field.Name]
	}
	if f == nil || f.typ.abstract {
		return denied(p.asker.known, denial{coordinate: fc.Object + "." + fc.Field.Name}), false
	}
	if f.free {
		return nil, true
	}
	w := walk{asker: p.asker, vars: p.vars}
	if w.reached(f, fc.Field.Field) {
		return nil, true
	}
	return p.tell(f, w.denials.list[0]), false
}

// tell is the error of a denied field. Where the field may be null, one error for its coordinate is enough; where
// not, its object becomes null only by an error, and InterceptResponse drops the repeated ones.
func (p *partial) tell(f *field, d denial) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.told[d] && !f.nonNull {
		return nil
	}
	p.told[d] = true
	return denied(p.asker.known, d)
}

// InterceptResponse keeps one error for each denied coordinate and missing permission.
func (e *Extension) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	resp := next(ctx)
	if resp == nil || len(resp.Errors) < 2 {
		return resp
	}
	told := map[denial]bool{}
	kept := resp.Errors[:0]
	for _, err := range resp.Errors {
		if d, ok := denialOf(err); ok {
			if told[d] {
				continue
			}
			told[d] = true
		}
		kept = append(kept, err)
	}
	resp.Errors = kept
	return resp
}

// denialOf reads an error of ours back.
func denialOf(err *gqlerror.Error) (d denial, ok bool) {
	if code := err.Extensions["code"]; code != CodeUnauthenticated && code != CodeForbidden {
		return denial{}, false
	}
	d.coordinate, ok = err.Extensions["coordinate"].(string)
	d.permission, _ = err.Extensions["permission"].(string)
	return d, ok
}
