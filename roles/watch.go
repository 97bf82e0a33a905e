package roles

import "slices"

// A watcher hears of changes.
type watcher struct{ heard func(before, now *Policy) }

// Watch calls f whenever this directory takes another policy into use, through its own Save and Delete before
// these return or because it found the store changed, until stop is called. A policy that runs out because
// the store cannot be reached is no change. f runs while the directory waits: it must be quick and must not
// use the directory. A panic in it is swallowed.
func (d *Directory) Watch(f func(before, now *Policy)) (stop func()) {
	w := &watcher{f}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.watchers = append(slices.Clip(d.watchers), w)
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.watchers = slices.DeleteFunc(slices.Clone(d.watchers), func(o *watcher) bool { return o == w })
	}
}

// changed tells the watchers.
func (d *Directory) changed(before, now *Policy) {
	if before == nil || before == now {
		return
	}
	d.mu.Lock()
	watchers := d.watchers
	d.mu.Unlock()
	for _, w := range watchers {
		func() {
			defer func() { _ = recover() }()
			w.heard(before, now)
		}()
	}
}
