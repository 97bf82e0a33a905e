package auth

import (
	"sync"

	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// A Change says whom something that changed may concern: whoever shows this key, or is this user. The zero
// Change may concern anybody, as a changed role does.
type Change struct {
	KeyID  string
	UserID string
}

// A Watcher tells of changes made on this node. It is implemented by a [Users], an [Anonymous] or a
// roles.Source that can tell, as [UserCache] is; it is asked by [Guard.Watch].
type Watcher interface {
	// Watch calls f after each change, until stop is called. The change must be visible to who asks once f is
	// called. f is quick, and may be called concurrently.
	Watch(f func(Change)) (stop func())
}

// Watch calls f after anything that this guard decides by was changed on this node, until stop is called: its
// keys, its roles if they are a *[roles.Directory], and what its Users and Anonymous tell if they are a
// [Watcher]. Changes made elsewhere are not told, but for roles that the directory found changed, and neither
// is that time passed. So whoever keeps a stream open asks [Recheck] from time to time as well.
//
// f may be called often and concurrently, in the goroutine of whoever made the change, which waits. It must be
// quick and must not use the guard or anything behind it: it notes what happened, and wakes somebody else.
func (g *Guard) Watch(f func(Change)) (stop func()) {
	if f == nil {
		return func() {}
	}
	stops := []func(){g.c.Keys.Watch(func(c keys.Change) { f(Change{KeyID: c.ID, UserID: c.UserID}) })}
	if d, ok := g.c.Roles.(*roles.Directory); ok {
		stops = append(stops, d.Watch(func(_, _ *roles.Policy) { f(Change{}) }))
	}
	for _, source := range []any{g.c.Roles, g.c.Users, g.c.Anonymous} {
		if w, ok := source.(Watcher); ok {
			stops = append(stops, w.Watch(f))
		}
	}
	return sync.OnceFunc(func() {
		for _, stop := range stops {
			stop()
		}
	})
}
