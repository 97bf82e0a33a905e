package keys

import "fmt"

// A Change reports that a key was changed. Without an ID, any key of the space may have changed.
type Change struct {
	Space, ID string
	UserID    string // user keys only

	// What is "issued", "imported", "refreshed", "updated", "disabled", "enabled", "invalidated" or "removed", with an ID;
	// "role dropped" without one.
	What string
}

// Watch calls f after each change in this ring's space that is made through this ring, or another view of it, until stop is
// called. It reports no changes of other spaces or nodes, and no last-used times. f runs in the goroutine that made the
// change, once the change is durable and before the changing method returns; it may be called concurrently and should be
// quick. Concurrent changes may be reported in either order, so a Change has no values: read the record. A panic in f is
// reported to OnError.
func (r *Ring) Watch(f func(Change)) (stop func()) {
	if r == nil || r.core == nil || f == nil {
		return func() {}
	}
	space := r.space
	return r.watchers.Add(func(c Change) {
		if c.ID == "" { // of all spaces
			c.Space = space
		}
		if c.Space == space {
			f(c)
		}
	})
}

// notify calls the watchers of the record's space.
func (r *Ring) notify(rec *Record, event string) {
	r.watchers.Call(Change{Space: rec.Space, ID: rec.ID, UserID: rec.UserID, What: event}, r.watcherPanicked)
}

func (r *Ring) watcherPanicked(thrown any) {
	r.report(fmt.Errorf("keys: a watcher panicked with a %T", thrown))
}
