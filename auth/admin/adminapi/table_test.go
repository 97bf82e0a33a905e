package adminapi_test

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

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
