package auth

import (
	"context"
	"sync"
	"time"

	"github.com/latchkey-go/latchkey/internal/ask"
	"github.com/latchkey-go/latchkey/internal/fresh"
	"github.com/latchkey-go/latchkey/keys"
)

// maxCachedUsers bounds a UserCache: beyond it, some other entry makes room.
const maxCachedUsers = 65536

// A UserCache caches the answers of a [Users] for a time. Make it with [CacheUsers]. It is safe for concurrent use.
type UserCache struct {
	users    Users
	calls    *fresh.Group[string, cachedUser]
	watchers fresh.Listeners[Change]

	mu    sync.RWMutex
	state fresh.State // tells which answers may be cached
	known map[string]cachedUser
}

type cachedUser struct {
	user  User
	err   error // nil or ErrNoUser
	lease fresh.Lease
}

// CacheUsers returns users with a cache. An answer, "no such user" included, is used for ttl, which is how long the keys
// of a deactivated user may stay valid on this node unless the host calls [UserCache.Forget]. Errors are not cached. A
// ttl of zero or less caches nothing. Users is asked within one second, whatever Config.Timeout says, once for all who
// ask for the same user at the same time, and so without the values of their contexts: an open transaction of one request
// is not seen. It panics if users is nil.
func CacheUsers(users Users, ttl time.Duration) *UserCache {
	if ask.IsNil(users) {
		panic("auth: CacheUsers without Users")
	}
	return &UserCache{
		users: users, known: map[string]cachedUser{}, state: fresh.NewState(ttl),
		calls: fresh.NewGroup[string, cachedUser](context.Background(), ask.New(keys.ErrStore, time.Second, maxWaiting)),
	}
}

// User returns the cached user, or asks, for at most a second.
func (c *UserCache) User(ctx context.Context, id string) (User, error) {
	now := fresh.At(time.Now())
	c.mu.RLock()
	hit, ok := c.known[id]
	call := c.state.Begin(now)
	c.mu.RUnlock()
	if ok && hit.lease.Holds(now) {
		return hit.user, hit.err
	}
	answer, err := c.calls.Do(ctx, id, call, c.join, func(ctx context.Context) (cachedUser, error) {
		user, err := c.users.User(ctx, id)
		switch {
		case err == nil && user.ID != id:
			return cachedUser{}, errOtherUser
		case noUser(ctx, err):
			user, err = User{}, ErrNoUser
		case err != nil:
			return cachedUser{}, err
		}
		return cachedUser{user: user, err: err}, nil
	}, func(call fresh.Call, answer cachedUser, newest bool) { c.put(id, answer, call, newest) })
	if err != nil {
		return User{}, err
	}
	return answer.user, answer.err
}

func (c *UserCache) join(call fresh.Call) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.state.Keep(call, fresh.At(time.Now()))
}

// put caches an answer, unless the user may have changed since the call began. Then an older answer goes too.
func (c *UserCache) put(id string, answer cachedUser, call fresh.Call, newest bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !newest || !c.state.Keep(call, fresh.At(time.Now())) {
		delete(c.known, id)
		return
	}
	if _, known := c.known[id]; !known && len(c.known) >= maxCachedUsers {
		for other := range c.known {
			delete(c.known, other)
			break
		}
	}
	answer.lease = c.state.Lease(call)
	c.known[id] = answer
}

// Forget drops the cached answers for these users, and without an ID all answers: the next request asks. Call it when a
// user changes, or when it is not known which, as when another node says no more than that its table has changed.
func (c *UserCache) Forget(ids ...string) {
	c.mu.Lock()
	c.state.Invalidate()
	for _, id := range ids {
		delete(c.known, id)
	}
	if len(ids) == 0 {
		clear(c.known)
		ids = []string{""} // watchers hear of a change of any user
	}
	c.mu.Unlock()
	for _, id := range ids {
		c.watchers.Call(Change{UserID: id}, nil)
	}
}

// Watch calls f after each Forget, until stop is called, in the goroutine that called them. It is one of
// [Config.Changes]. A panic in f is swallowed.
func (c *UserCache) Watch(f func(Change)) (stop func()) { return c.watchers.Add(f) }
