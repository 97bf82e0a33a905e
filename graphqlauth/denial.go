package graphqlauth

import (
	"net/http"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/latchkey-go/latchkey/auth"
)

// What stands in an error's extensions as code.
const (
	CodeUnauthenticated = "UNAUTHENTICATED" // the caller is not known; a good key may help
	CodeForbidden       = "FORBIDDEN"       // the caller is known and may not
	CodeUnavailable     = "UNAVAILABLE"     // it cannot be told now
)

// A denial is one place of an operation that the caller may not reach, and the permission that is missing, if it is
// for want of one.
type denial struct {
	coordinate string
	permission string
}

// maxTold is how many coordinates the error of a refused operation lists.
const maxTold = 20

// denials collects what is denied in an operation: the first ones, each once.
type denials struct {
	list  []denial
	first *ast.Field
}

func (ds *denials) add(d denial, node *ast.Field) {
	if ds.first == nil {
		ds.first = node
	}
	if len(ds.list) <= maxTold && !slices.Contains(ds.list, d) {
		ds.list = append(ds.list, d)
	}
}

// denied is the error for what is denied to a caller. The permission is named to those who are known alone.
func denied(known bool, d denial) *gqlerror.Error {
	refusal := &auth.Refusal{Status: http.StatusUnauthorized, Reason: auth.ReasonNotGranted}
	extensions := map[string]any{"code": CodeUnauthenticated, "coordinate": d.coordinate}
	if known {
		refusal.Status = http.StatusForbidden
		extensions["code"] = CodeForbidden
		if d.permission != "" {
			refusal.Missing = d.permission
			extensions["permission"] = d.permission
		}
	}
	return &gqlerror.Error{Err: refusal, Message: refusal.Error(), Extensions: extensions}
}

// refuse is the error for an operation that is refused as a whole.
func (ds *denials) refuse(known bool) *gqlerror.Error {
	err := denied(known, ds.list[0])
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

// undecided is the error while nothing can be vouched for. It is no verdict.
func undecided() *gqlerror.Error {
	refusal := &auth.Refusal{Status: http.StatusServiceUnavailable, Reason: auth.ReasonNoPolicy}
	return &gqlerror.Error{Err: refusal, Message: refusal.Error(), Extensions: map[string]any{"code": CodeUnavailable}}
}

// unchecked is the error of hooks without the extension. It tells the developer more than the caller.
func unchecked() *gqlerror.Error {
	return &gqlerror.Error{
		Message:    "Permission denied: the operation was not checked, since the server does not Use graphqlauth.New",
		Extensions: map[string]any{"code": CodeForbidden},
	}
}
