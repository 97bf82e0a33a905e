package auth_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

type usersFunc func(context.Context, string) (auth.User, error)

func (f usersFunc) User(ctx context.Context, id string) (auth.User, error) { return f(ctx, id) }

// A query that failed is no verdict, also if its error says that there is no such user. It is not remembered either.
func TestNoUserOfAFailedQueryIsNoVerdict(t *testing.T) {
	ring := keys.NewRing(keys.NewMemoryStore())
	t.Cleanup(func() { require.NoError(t, ring.Close(context.Background())) })
	issued, err := ring.IssueUser(t.Context(), "ada", keys.User{})
	require.NoError(t, err)
	asked := 0
	users := auth.CacheUsers(usersFunc(func(context.Context, string) (auth.User, error) {
		if asked++; asked == 1 {
			return auth.User{}, errors.Join(auth.ErrNoUser, keys.ErrStore)
		}
		return auth.User{ID: "ada", Role: "editor", Active: true}, nil
	}), time.Minute)
	guard, err := auth.New(auth.Config{Keys: ring, Users: users, Roles: roles.MustCompile(roles.Role{AppID: "editor"})})
	require.NoError(t, err)
	header := http.Header{"Api-Key": {issued.Key.Reveal()}}

	_, err = guard.CheckCall(t.Context(), auth.Call{Header: header})
	var refusal *auth.Refusal
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, http.StatusServiceUnavailable, refusal.Status)
	p, err := guard.CheckCall(t.Context(), auth.Call{Header: header})
	require.NoError(t, err)
	require.Equal(t, "ada", p.UserID())
}
