package auth

import (
	"context"
	"errors"

	"github.com/latchkey-go/latchkey/internal/ask"
)

// A User is the owner of a user key, as the host knows them.
type User struct {
	ID     string // as in the key's record
	Name   string // for display
	Role   string // appid; "" allows nothing
	Active bool   // false refuses all the user's keys
}

// ErrNoUser is the answer of [Users] for a user who does not exist. Any other error is a store error.
var ErrNoUser = errors.New("auth: no such user")

// Users is the host's table of users. It is called for each request with a user key, so a change takes effect on the
// next request; [CacheUsers] trades that for speed.
type Users interface {
	// User returns the user with this ID, or an error wrapping [ErrNoUser]. It may be called concurrently and should
	// give up when ctx is done. A user with another ID is treated as a store error.
	User(ctx context.Context, id string) (User, error)
}

// UserMap is a fixed set of users by ID, for tests and small programs. It must not change while in use.
type UserMap map[string]User

// User returns the user with this ID. The ID field of the map's values may be empty.
func (m UserMap) User(_ context.Context, id string) (User, error) {
	u, ok := m[id]
	if !ok {
		return User{}, ErrNoUser
	}
	u.ID = id
	return u, nil
}

// Anonymous returns the role of callers without a credential. Package publicapi has two implementations: a fixed role
// and a live setting.
type Anonymous interface {
	// PublicRole returns the appid of the public role, or "" while the public API is closed. An error is a store
	// error: the answer is 503, never 401 and never the role. The super role, and a role that the policy does not
	// have, close the public API. It may be called concurrently.
	PublicRole(ctx context.Context) (appid string, err error)
}

func init() {
	ask.DeclareBounded(func(UserMap) bool { return true })
	ask.DeclareBounded(func(*UserCache) bool { return true })
}
