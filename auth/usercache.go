package auth

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/latchkey-go/latchkey/internal/ask"
	"github.com/latchkey-go/latchkey/keys"
)

// maxCachedUsers bounds a UserCache: beyond it, what has run out and then anything makes room.
const maxCachedUsers = 65536

// A UserCache remembers what a [Users] said for a while. Make it with [CacheUsers]. It may be used
// concurrently.
type UserCache struct {
	users Users
	ttl   time.Duration
	limit *ask.Limit

	mu     sync.RWMutex
	known  map[string]cachedUser
	forgot uint64 // grows with every Forget and Clear: an answer asked for before it is not kept

	watchers []*userWatcher // replaced, never changed
}

type userWatcher struct{ heard func(Change) }

type cachedUser struct {
	user User
	err  error // nil or ErrNoUser
	till time.Time
}

// CacheUsers returns users with a memory: an answer, "gone" included, is used for ttl, which is how long a
// deactivated user's keys may stay good on this node unless the host calls [UserCache.Forget]. Errors are not
// kept. A ttl of zero or less keeps nothing. What is not remembered is asked for within one second, whatever
// Config.Timeout says. It panics if users is nil.
func CacheUsers(users Users, ttl time.Duration) *UserCache {
	if isNil(users) {
		panic("auth: CacheUsers without Users")
	}
	return &UserCache{
		users: users, ttl: ttl, known: map[string]cachedUser{},
		limit: ask.New(keys.ErrStore, time.Second, maxWaiting),
	}
}

// User returns what is remembered, or asks, for at most a second.
func (c *UserCache) User(ctx context.Context, id string) (User, error) {
	now := time.Now()
	c.mu.RLock()
	hit, ok := c.known[id]
	forgot := c.forgot
	c.mu.RUnlock()
	if ok && now.Before(hit.till) {
		return hit.user, hit.err
	}
	user, err := ask.Do(ctx, c.limit, func(ctx context.Context) (User, error) { return c.users.User(ctx, id) })
	switch {
	case err == nil && user.ID != id:
		return User{}, errOtherUser
	case noUser(ctx, err):
		user, err = User{}, ErrNoUser
	case err != nil:
		return User{}, err
	}
	c.keep(id, cachedUser{user, err, now.Add(c.ttl)}, forgot)
	return user, err
}

func (c *UserCache) keep(id string, answer cachedUser, forgot uint64) {
	if c.ttl <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.forgot != forgot {
		return
	}
	if _, known := c.known[id]; !known && len(c.known) >= maxCachedUsers {
		c.makeRoom()
	}
	c.known[id] = answer
}

// makeRoom drops what has run out among a few entries, or else one of them.
func (c *UserCache) makeRoom() {
	now, looked := time.Now(), 0
	for id, old := range c.known {
		if looked++; looked > 16 {
			break
		}
		if !now.Before(old.till) || looked == 16 {
			delete(c.known, id)
		}
	}
}

// Forget drops what is remembered of a user: the next request asks. Call it when the user changes.
func (c *UserCache) Forget(id string) {
	c.mu.Lock()
	c.forgot++
	delete(c.known, id)
	c.mu.Unlock()
	c.tell(Change{UserID: id})
}

// Clear drops what is remembered of everybody. Call it when users changed and nobody knows which, as when
// another node says no more than that its table has changed.
func (c *UserCache) Clear() {
	c.mu.Lock()
	c.forgot++
	clear(c.known)
	c.mu.Unlock()
	c.tell(Change{})
}

// Watch calls f after each Forget and Clear, until stop is called, in the goroutine that called them. It is one of
// [Config.Changes]. A panic in f is swallowed.
func (c *UserCache) Watch(f func(Change)) (stop func()) {
	w := &userWatcher{f}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watchers = append(slices.Clip(c.watchers), w)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.watchers = slices.DeleteFunc(slices.Clone(c.watchers), func(o *userWatcher) bool { return o == w })
	}
}

func (c *UserCache) tell(change Change) {
	c.mu.RLock()
	watchers := c.watchers
	c.mu.RUnlock()
	for _, w := range watchers {
		func() {
			defer func() { _ = recover() }()
			w.heard(change)
		}()
	}
}
