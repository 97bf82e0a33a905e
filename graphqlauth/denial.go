package graphqlauth

import (
	"net/http"
	"slices"

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

// maxReported is how many coordinates the error of a refused operation lists.
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
	extensions := map[string]any{"code": CodeUnauthenticated, "coordinate": d.coordinate}
	if authenticated {
		refusal.Status = http.StatusForbidden
		extensions["code"] = CodeForbidden
		if d.permission != "" {
			refusal.Missing = d.permission
			extensions["permission"] = d.permission
		}
	}
	return &gqlerror.Error{Err: refusal, Message: refusal.Error(), Extensions: extensions}
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

// noPolicyError is the error while the guard has no policy. It is not a verdict.
func noPolicyError() *gqlerror.Error {
	refusal := &auth.Refusal{Status: http.StatusServiceUnavailable, Reason: auth.ReasonNoPolicy}
	return &gqlerror.Error{Err: refusal, Message: refusal.Error(), Extensions: map[string]any{"code": CodeUnavailable}}
}

// noExtensionError is the error of a hook that runs without the extension. It is written for the host's developer.
func noExtensionError() *gqlerror.Error {
	return &gqlerror.Error{
		Message:    "Permission denied: the operation was not checked, since the server does not Use graphqlauth.New",
		Extensions: map[string]any{"code": CodeForbidden},
	}
}
