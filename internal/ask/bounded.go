package ask

import "slices"

var bounded []func(v any) bool // written by init functions only

// DeclareBounded says that a value of type T for which f returns true never blocks for long: it answers from memory, or
// has a [Limit] for its own calls. The package that declares T calls it in its init function. A host's type that
// embeds a T is not a T, whatever methods it takes over.
func DeclareBounded[T any](f func(T) bool) {
	bounded = append(bounded, func(v any) bool {
		t, ok := v.(T)
		return ok && f(t)
	})
}

// Bounded reports whether v needs no Limit, because its package declared so. It is for speed alone: a Limit costs a
// goroutine for each call.
func Bounded(v any) bool {
	return slices.ContainsFunc(bounded, func(declared func(any) bool) bool { return declared(v) })
}
