package auth

import (
	"context"
	"errors"

	"github.com/latchkey-go/latchkey/internal/ask"
)

// A User is what the host knows about the owner of a user key.
type User struct {
	ID     string // as the key's record has it
	Name   string // for people to read
	Role   string // appid; "" may do nothing
	Active bool   // false refuses all the user's keys
}

// ErrNoUser is the one answer for a user who is gone. Any other error of [Users] is a store in trouble.
var ErrNoUser = errors.New("auth: no such user")

// Users is implemented by the host: its table of users. It is asked whenever a user key is shown, so a change
// acts on the next request; see [CacheUsers] for trading that for speed.
type Users interface {
	// User returns the user with this ID, or an error wrapping [ErrNoUser]. It may be called concurrently
	// and should give up when ctx is done. A user with another ID is taken for a fault.
	User(ctx context.Context, id string) (User, error)
}

// UserMap is a fixed set of users by ID, for tests and small programs. It must not change while in use.
type UserMap map[string]User

// User returns the user with this ID, which needs no ID of its own in the map.
func (m UserMap) User(_ context.Context, id string) (User, error) {
	u, ok := m[id]
	if !ok {
		return User{}, ErrNoUser
	}
	u.ID = id
	return u, nil
}

// Anonymous says which role callers get who show nothing. Package publicapi has two: a fixed role and a live
// setting.
type Anonymous interface {
	// PublicRole returns the appid of the public role, or "" while the public API is closed. An error is a
	// store in trouble: the caller gets 503, never 401 and never the role. The super role, or one that the
	// policy does not have, closes the public API. It may be called concurrently.
	PublicRole(ctx context.Context) (appid string, err error)
}

func init() {
	ask.DeclareBounded(func(UserMap) bool { return true })
	ask.DeclareBounded(func(*UserCache) bool { return true })
}
