package keys

import (
	"fmt"
	"slices"
	"sync"
)

// A Change says that a key was changed. Without an ID it may be any key of the space.
type Change struct {
	Space, ID string
	UserID    string // user keys only

	// What is "issued", "imported", "refreshed", "updated", "disabled", "enabled", "invalidated" or "removed", with an ID;
	// "role dropped" without one.
	What string
}

type watchers struct {
	mu   sync.Mutex
	list []*watcher // replaced, never changed
}

type watcher struct {
	space string
	heard func(Change)
}

// Watch calls f after each change made in this view's space through this ring, or another view of it, on this
// node, until stop is called. Changes of other spaces and other nodes are not told, and neither are last-used
// times. f runs in the goroutine of whoever made the change, once the change is durable and before the changing
// method returns; it may be called concurrently and should be quick. Two changes made at once may be told in
// either order, so a Change says where to look, not what is there.
func (r *Ring) Watch(f func(Change)) (stop func()) {
	if r == nil || r.core == nil || f == nil {
		return func() {}
	}
	w, all := &watcher{r.space, f}, &r.watchers
	all.mu.Lock()
	defer all.mu.Unlock()
	all.list = append(slices.Clip(all.list), w)
	return func() {
		all.mu.Lock()
		defer all.mu.Unlock()
		all.list = slices.DeleteFunc(slices.Clone(all.list), func(o *watcher) bool { return o == w })
	}
}

// tell tells the watchers of the space. The change is done, so a watcher that panics must not make it look
// as if it were not.
func (r *Ring) tell(rec *Record, what string) {
	r.watchers.mu.Lock()
	list := r.watchers.list
	r.watchers.mu.Unlock()
	for _, w := range list {
		if w.space == r.space {
			r.tellOne(w, Change{Space: rec.Space, ID: rec.ID, UserID: rec.UserID, What: what})
		}
	}
}

// tellAll tells the watchers of all spaces that keys were changed.
func (r *Ring) tellAll(what string) {
	r.watchers.mu.Lock()
	list := r.watchers.list
	r.watchers.mu.Unlock()
	for _, w := range list {
		r.tellOne(w, Change{Space: w.space, What: what})
	}
}

func (r *Ring) tellOne(w *watcher, c Change) {
	defer func() {
		if thrown := recover(); thrown != nil {
			r.report(fmt.Errorf("keys: a watcher panicked with a %T", thrown))
		}
	}()
	w.heard(c)
}
