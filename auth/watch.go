package auth

import (
	"sync"

	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// A Change names the callers whom a change may concern: those with this key, or this user. The zero Change may concern
// every caller, as a changed role does.
type Change struct {
	KeyID  string
	UserID string
}

// Watch calls f after a change on this node of anything that this guard decides by, until stop is called: its keys,
// and what [Config.RoleChanges] and [Config.Changes] report. Changes made elsewhere are not reported, but for roles that
// a directory found changed. Time that passed is not reported either, so a long-lived stream also needs [Recheck] from
// time to time.
//
// f may be called often and concurrently, in the goroutine that made the change, which waits. f must be quick and must
// not use the guard or anything behind it: it notes the change and wakes another goroutine.
func (g *Guard) Watch(f func(Change)) (stop func()) {
	if f == nil {
		return func() {}
	}
	stops := []func(){g.c.Keys.Watch(func(c keys.Change) { f(Change{KeyID: c.ID, UserID: c.UserID}) })}
	if g.c.RoleChanges != nil {
		stops = append(stops, g.c.RoleChanges(func(_, _ *roles.Policy) { f(Change{}) }))
	}
	for _, watch := range g.c.Changes {
		stops = append(stops, watch(f))
	}
	return sync.OnceFunc(func() {
		for _, stop := range stops {
			stop()
		}
	})
}
