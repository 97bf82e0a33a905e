package fresh

import (
	"slices"
	"sync"
)

// Listeners are functions to call after a change. The zero value has none. It is safe for concurrent use.
type Listeners[T any] struct {
	mu   sync.Mutex
	list []*func(T) // replaced, never changed
}

// Add adds f until stop is called. Calls that are under way then may still reach f.
func (l *Listeners[T]) Add(f func(T)) (stop func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	added := &f
	l.list = append(slices.Clip(l.list), added)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.list = slices.DeleteFunc(slices.Clone(l.list), func(o *func(T)) bool { return o == added })
	}
}

// Call calls each function with v, in the caller's goroutine. A function that panics does not keep the others from being
// called; panicked, unless it is nil, receives the value.
func (l *Listeners[T]) Call(v T, panicked func(any)) {
	l.mu.Lock()
	list := l.list
	l.mu.Unlock()
	for _, f := range list {
		func() {
			defer func() {
				if thrown := recover(); thrown != nil && panicked != nil {
					panicked(thrown)
				}
			}()
			(*f)(v)
		}()
	}
}
