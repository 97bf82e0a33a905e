package admin_test

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
)

// A table is a host's table of users.
type table struct {
	mu   sync.Mutex
	rows map[string]auth.User
	err  error
}

func (u *table) set(user auth.User) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.rows[user.ID] = user
}

// drop takes a role from all who have it.
func (u *table) drop(appid string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for id, user := range u.rows {
		if user.Role == appid {
			user.Role = ""
			u.rows[id] = user
		}
	}
}

func (u *table) fail(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.err = err
}

func (u *table) User(_ context.Context, id string) (auth.User, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	user, ok := u.rows[id]
	if u.err == nil && !ok {
		return user, auth.ErrNoUser
	}
	return user, u.err
}

func (u *table) List(_ context.Context, f admin.UserFilter) ([]auth.User, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	var page []auth.User
	for _, user := range u.rows {
		if user.ID > f.After && (f.Role == "" || user.Role == f.Role) && strings.Contains(strings.ToLower(user.ID+" "+user.Name), strings.ToLower(f.Text)) {
			page = append(page, user)
		}
	}
	slices.SortFunc(page, func(a, b auth.User) int { return cmp.Compare(a.ID, b.ID) })
	return page[:min(len(page), f.Limit)], u.err
}

func TestUser(t *testing.T) {
	w := newWorld(t, nil)
	ctx := t.Context()
	own, err := w.service.User(ctx, w.user("bob"), "bob")
	require.NoError(t, err, "one's own needs no permission")
	require.Equal(t, auth.User{ID: "bob", Name: "Bob", Role: "viewer", Active: true}, own)
	for _, id := range []string{"ada", "no-one", ""} {
		_, err = w.service.User(ctx, w.user("bob"), id)
		require.ErrorIs(t, err, admin.ErrForbidden, "whether there is %q is not told", id)
	}
	ada, err := w.service.User(ctx, w.user("wanda"), "ada")
	require.NoError(t, err)
	require.Equal(t, "Ada", ada.Name)
	_, err = w.service.User(ctx, w.user("wanda"), "no-one")
	require.ErrorIs(t, err, admin.ErrNotFound)
	var refusal *auth.Refusal
	_, err = w.service.User(ctx, auth.Principal{}, "ada")
	require.ErrorAs(t, err, &refusal)
	w.users.fail(errDisk)
	_, err = w.service.User(ctx, w.as("admin"), "ada")
	require.ErrorIs(t, err, errDisk)
}

func TestConfig(t *testing.T) {
	w := newWorld(t, nil)
	c := w.service.Config()
	require.True(t, c.Users != nil && c.Public != nil)
	require.Same(t, w.guard, c.Guard)
	require.Equal(t, 10*time.Second, c.Timeout, "the default")
	require.NotNil(t, c.Catalog, "of the public API")
	bare := newWorld(t, nil, func(c *admin.Config) { c.Users, c.Public = nil, nil })
	c = bare.service.Config()
	require.False(t, c.Users != nil || c.Public != nil)
	_, err := bare.service.User(t.Context(), bare.as("admin"), "ada")
	require.ErrorIs(t, err, admin.ErrNotFound)
}
