package graphqlauth

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/latchkey-go/latchkey/auth"
)

// InterceptResponse makes an error of [auth.Allowed], or another [auth.Refusal], that a resolver returned the error of a
// rule: with its code, coordinate and permission, and with its status if all root fields are refused. It keeps one
// error for each denied coordinate and missing permission. The host's error presenter has run before; one that makes a
// new error in place of the given one loses the refusal.
func (e *Extension) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	resp := next(ctx)
	if resp == nil || e.plan == nil {
		return resp
	}
	if len(resp.Errors) == 0 {
		x, _ := ctx.Value(requestStateKey{}).(*requestState)
		if c, ok := cleared(ctx); ok && x != nil && c.part == nil && resp.HasNext == nil {
			x.cacheable.Store(true) // before the header is written, or never
		}
		return resp
	}
	e.encodeRefusals(ctx, resp.Errors)
	reported := map[denial]bool{}
	resp.Errors = slices.DeleteFunc(resp.Errors, func(err *gqlerror.Error) bool {
		d, ok := denialOf(err)
		repeated := ok && reported[d]
		reported[d] = reported[d] || ok
		return repeated
	})
	return resp
}

// denialOf reads a denial back from an error of this package.
func denialOf(err *gqlerror.Error) (d denial, ok bool) {
	if code := err.Extensions["code"]; code != CodeUnauthenticated && code != CodeForbidden {
		return denial{}, false
	}
	d.coordinate, ok = err.Extensions["coordinate"].(string)
	d.permission, _ = err.Extensions["permission"].(string)
	return d, ok
}

// encodeRefusals gives the refusals of resolvers their extensions, and the response their status if no root field is
// left.
func (e *Extension) encodeRefusals(ctx context.Context, errs gqlerror.List) {
	if !graphql.HasOperationContext(ctx) {
		return
	}
	oc := graphql.GetOperationContext(ctx)
	known := map[string]string{} // coordinates by location
	told := map[denial]bool{}
	lost := map[string]*gqlerror.Error{} // root fields, by name in the response
	for _, err := range errs {
		refusal, ok := errors.AsType[*auth.Refusal](err)
		if !ok || len(err.Path) == 0 {
			continue // without a path, the operation was refused and has its status
		}
		if _, coded := err.Extensions["coordinate"]; !coded {
			at := fmt.Sprint(err.Locations)
			if _, ok := known[at]; !ok {
				known[at] = coordinateAt(oc.Doc, err.Locations)
			}
			d := denial{known[at], refusal.Missing}
			if err.Extensions == nil {
				err.Extensions = map[string]any{}
			}
			maps.Copy(err.Extensions, refused(refusal).Extensions)
			err.Extensions["coordinate"] = d.coordinate
			if !told[d] && len(told) < maxReported {
				told[d] = true
				e.guard.Report(requestOf(ctx), d.coordinate, refusal)
			}
		}
		if name, ok := err.Path[0].(ast.PathName); ok && len(err.Path) == 1 {
			lost[string(name)] = err
		}
	}
	if len(lost) == 0 {
		return
	}
	var first *gqlerror.Error
	root := e.roots[oc.Operation.Operation]
	for _, f := range graphql.CollectFields(oc, oc.Operation.SelectionSet, append([]string{root.name}, root.interfaces...)) {
		switch err := lost[f.Alias]; {
		case f.Name == "__typename":
		case err == nil:
			return
		case first == nil:
			first = err
		}
	}
	e.refuse(ctx, first, nil)
}

// coordinateAt returns the coordinate of the field at a location of the document. On an interface or a union it is the
// interface's field, or that of the fragment.
func coordinateAt(doc *ast.QueryDocument, at []gqlerror.Location) (coordinate string) {
	var find func(ast.SelectionSet)
	find = func(sels ast.SelectionSet) {
		for _, sel := range sels {
			switch sel := sel.(type) {
			case *ast.Field:
				if p := sel.Position; p != nil && slices.Contains(at, gqlerror.Location{Line: p.Line, Column: p.Column}) {
					coordinate = sel.ObjectDefinition.Name + "." + sel.Name
				}
				find(sel.SelectionSet)
			case *ast.InlineFragment:
				find(sel.SelectionSet)
			}
		}
	}
	for _, op := range doc.Operations {
		find(op.SelectionSet)
	}
	for _, fragment := range doc.Fragments {
		find(fragment.SelectionSet)
	}
	return coordinate
}

// eachField calls f with each field of a selection, through fragments.
func eachField(sels ast.SelectionSet, f func(*ast.Field)) {
	for _, sel := range sels {
		switch sel := sel.(type) {
		case *ast.Field:
			f(sel)
		case *ast.InlineFragment:
			eachField(sel.SelectionSet, f)
		case *ast.FragmentSpread:
			if sel.Definition != nil {
				eachField(sel.Definition.SelectionSet, f)
			}
		}
	}
}
