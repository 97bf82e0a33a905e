package keys

import "fmt"

// A Change says that a key was changed. Without an ID it may be any key of the space.
type Change struct {
	Space, ID string
	UserID    string // user keys only

	// What is "issued", "imported", "refreshed", "updated", "disabled", "enabled", "invalidated" or "removed", with an ID;
	// "role dropped" without one.
	What string
}

// told is a Change for the watchers of its space, or of all spaces.
type told struct {
	Change
	everywhere bool
}

// Watch calls f after each change made in this view's space through this ring, or another view of it, on this node, until
// stop is called. It reports no changes of other spaces or nodes, and no last-used times. f runs in the goroutine that
// made the change, once the change is durable and before the changing method returns; it may be called concurrently and
// should be quick. Two changes made at once may be reported in either order, so a Change says where to look, not what is
// there. A panic in f is reported to OnError.
func (r *Ring) Watch(f func(Change)) (stop func()) {
	if r == nil || r.core == nil || f == nil {
		return func() {}
	}
	space := r.space
	return r.watchers.Add(func(c told) {
		if c.everywhere {
			c.Space = space
		}
		if c.Space == space {
			f(c.Change)
		}
	})
}

// tell tells the watchers of the record's space.
func (r *Ring) tell(rec *Record, what string) {
	r.watchers.Call(told{Change{Space: rec.Space, ID: rec.ID, UserID: rec.UserID, What: what}, false}, r.watcherPanicked)
}

// tellAll tells the watchers of all spaces.
func (r *Ring) tellAll(what string) {
	r.watchers.Call(told{Change{What: what}, true}, r.watcherPanicked)
}

func (r *Ring) watcherPanicked(thrown any) {
	r.report(fmt.Errorf("keys: a watcher panicked with a %T", thrown))
}
