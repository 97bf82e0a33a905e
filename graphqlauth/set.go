package graphqlauth

// A set holds object types that are members of interfaces and unions. In a schema with more than 256 of them some
// share a bit, so a set may seem to hold more than it does: then more is asked for, never less.
type set [4]uint64

func single(i int) (s set) {
	i %= 256
	s[i/64] = 1 << (i % 64)
	return s
}

func (s set) and(t set) set {
	for i := range s {
		s[i] &= t[i]
	}
	return s
}

func (s set) or(t set) set {
	for i := range s {
		s[i] |= t[i]
	}
	return s
}

func (s set) meets(t set) bool { return s.and(t) != set{} }
