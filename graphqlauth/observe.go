package graphqlauth

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/latchkey-go/latchkey/auth"
)

// refuse gives the response of a refused operation its status, and tells the guard's observer of it and of each denied
// coordinate.
func (e *Extension) refuse(ctx context.Context, err *gqlerror.Error, list []denial) {
	report(ctx, err)
	refusal, ok := errors.AsType[*auth.Refusal](err)
	switch {
	case !ok:
		return // an invalid operation, not a denied one
	case refusal.Status >= http.StatusInternalServerError:
		list = nil // no verdict on them
	case len(list) > 0:
		refusal = e.refusalOf(ctx, list[0])
	}
	e.guard.Report(requestOf(ctx), "", refusal)
	e.observeDenials(ctx, list...)
}

// observeDenials tells the guard's observer of denied coordinates.
func (e *Extension) observeDenials(ctx context.Context, list ...denial) {
	for _, d := range list {
		e.guard.Report(requestOf(ctx), d.coordinate, e.refusalOf(ctx, d))
	}
}

// refusalOf returns a denial as a refusal for the observer, with the reason for which the permission is missing and, also
// for an anonymous caller, its name.
func (e *Extension) refusalOf(ctx context.Context, d denial) *auth.Refusal {
	p, _ := e.guard.PrincipalFrom(ctx)
	refusal := auth.Refusal{Status: http.StatusUnauthorized, Reason: auth.ReasonNotGranted}
	switch {
	case p.Authenticated():
		refusal.Status = http.StatusForbidden
	case p.Kind() == auth.KindNone:
		refusal.Reason = auth.ReasonMissingKey
	}
	_, _, err := e.guard.Explain(p, d.permission)
	if why, ok := errors.AsType[*auth.Refusal](err); ok && d.permission != "" && why.Status == refusal.Status {
		refusal.Reason = why.Reason
	}
	refusal.Missing = d.permission
	return &refusal
}

// requestOf returns the request that ctx belongs to, with ctx as its context. It is empty without [Handler].
func requestOf(ctx context.Context) *http.Request {
	r := &http.Request{URL: &url.URL{}}
	if x, ok := ctx.Value(requestStateKey{}).(*requestState); ok {
		r = x.request
	}
	return r.WithContext(ctx)
}
