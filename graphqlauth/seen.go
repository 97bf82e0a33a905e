package graphqlauth

import "slices"

// A seen remembers values. The first few cost no allocation.
type seen[T comparable] struct {
	few  [6]T
	n    int
	more map[T]struct{}
}

// add reports whether the value is new.
func (s *seen[T]) add(value T) bool {
	if slices.Contains(s.few[:min(s.n, len(s.few))], value) {
		return false
	}
	if s.n < len(s.few) {
		s.few[s.n] = value
		s.n++
		return true
	}
	if _, ok := s.more[value]; ok {
		return false
	}
	if s.more == nil {
		s.more = map[T]struct{}{}
	}
	s.more[value] = struct{}{}
	s.n++
	return true
}

func (s *seen[T]) len() int { return s.n }
