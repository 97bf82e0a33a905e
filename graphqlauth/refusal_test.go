package graphqlauth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/graphqlauth"
)

// checking is a site whose resolvers check a permission themselves, for these root and other fields.
func checking(t *testing.T, permission string, fields ...string) *site {
	s := newSite(t, siteOptions{})
	checks(s, permission, fields...)
	return s
}

func checks(s *site, permission string, fields ...string) {
	s.server.AroundFields(func(ctx context.Context, next graphql.Resolver) (any, error) {
		fc := graphql.GetFieldContext(ctx)
		for _, f := range fields {
			if f == fc.Object+"."+fc.Field.Name {
				if err := auth.Allowed(ctx, permission); err != nil {
					return nil, fmt.Errorf("in the resolver: %w", err)
				}
			}
		}
		return next(ctx)
	})
}

// A resolver that returns auth.Allowed's error is answered as a rule: code, coordinate, permission, and status if
// nothing is left.
func TestChecksInResolversHaveCodes(t *testing.T) {
	s := checking(t, "content/pages/read", "Query.public", "Query.echo", "User.id", "Tag.id", "Post.id", "Mutation.drop")
	for _, c := range []struct {
		as, query, data string
		codes           []string
		status          int
	}{
		{"reader", `{public}`, `{"public":null}`, []string{"FORBIDDEN Query.public"}, 403},
		{"stranger", `{public}`, `{"public":null}`, []string{"UNAUTHENTICATED Query.public"}, 401},
		{"public", `{public}`, `{"public":null}`, []string{"UNAUTHENTICATED Query.public"}, 401},
		{"editor", `{public}`, `{"public":"public"}`, nil, 200},
		{"reader", `{p:public ...on Query{e:echo} __typename}`, `{"p":null,"e":null,"__typename":"Query"}`, []string{"FORBIDDEN Query.echo", "FORBIDDEN Query.public"}, 403},
		{"reader", `{public known}`, `{"public":null,"known":"known"}`, []string{"FORBIDDEN Query.public"}, 200},
		{"reader", `{public secret{id}}`, `{"public":null,"secret":null}`, []string{"FORBIDDEN Query.public", "FORBIDDEN Query.secret"}, 403},
		{"reader", `{users(n:50){...F email}} fragment F on User{i:id}`, `null`, []string{"FORBIDDEN User.email", "FORBIDDEN User.id"}, 200},
		{"reader", `{search{...on Tag{id} __typename}}`, `{"search":[null,{"__typename":"Post"},{"__typename":"Secret"}]}`, []string{"FORBIDDEN Tag.id"}, 200},
		{"reader", `{nodes{...on Node{id}}}`, `{"nodes":[null,null,null]}`, []string{"FORBIDDEN Node.id", "FORBIDDEN Secret.id"}, 200},
	} {
		r := s.ask(c.as, c.query)
		require.Equal(t, c.codes, r.codes(), "%s: %s", c.as, r.body)
		require.JSONEq(t, c.data, asJSON(t, r.Data), r.body)
		require.Equal(t, c.status, r.status, "%s %s", c.as, c.query)
		for _, e := range r.Errors {
			if c.as != "reader" {
				require.NotContains(t, e.Extensions, "permission")
			} else if e.Extensions["coordinate"] == "Query.public" {
				require.Equal(t, "content/pages/read", e.Extensions["permission"])
			}
		}
	}
	require.Equal(t, `Bearer realm="api"`, s.ask("stranger", `{public}`).header.Get("WWW-Authenticate"))
}

// The host's presenter may change the message and add extensions: the code stays.
func TestChecksInResolversBehindAPresenter(t *testing.T) {
	s := checking(t, "content/pages/read", "Query.public")
	s.server.SetErrorPresenter(func(ctx context.Context, err error) *gqlerror.Error {
		presented := graphql.DefaultErrorPresenter(ctx, err)
		presented.Message, presented.Extensions = "no", map[string]any{"code": "INTERNAL", "request": "17"}
		return presented
	})
	r := s.ask("reader", `{public}`)
	require.Equal(t, []string{"FORBIDDEN Query.public"}, r.codes())
	require.Equal(t, "no", r.Errors[0].Message)
	require.Equal(t, "17", r.Errors[0].Extensions["request"])
	require.Equal(t, 403, r.status)
}

// Errors that are no decision keep what they have, also one of a store behind a refusal.
func TestOtherErrorsOfResolvers(t *testing.T) {
	s := newSite(t, siteOptions{})
	var answer error
	s.server.AroundFields(func(ctx context.Context, next graphql.Resolver) (any, error) {
		if answer != nil {
			return nil, answer
		}
		return next(ctx)
	})
	answer = errors.New("not found")
	r := s.ask("admin", `{public}`)
	require.Empty(t, r.Errors[0].Extensions)
	require.Equal(t, 200, r.status)
	answer = &auth.Refusal{Status: http.StatusServiceUnavailable, Reason: auth.ReasonStoreFailed}
	r = s.ask("admin", `{public}`)
	require.Equal(t, graphqlauth.CodeUnavailable, r.Errors[0].Extensions["code"])
	require.Equal(t, 503, r.status)
}
