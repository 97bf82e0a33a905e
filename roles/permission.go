package roles

import (
	"strings"

	"github.com/latchkey-go/latchkey/roles/internal/automaton"
)

const maxAppID = 64

// ValidPermission reports whether s is a well-formed permission.
func ValidPermission(s string) bool {
	if len(s) > automaton.MaxPermission {
		return false
	}
	for i, n := 0, 1; n <= automaton.MaxSegments; n++ {
		end := automaton.SegmentEnd(s, i)
		if end < 0 || end == len(s) {
			return end > 0
		}
		i = end + 1
	}
	return false
}

// ValidPattern reports whether s is a well-formed pattern. Every well-formed permission is one too.
func ValidPattern(s string) bool {
	if len(s) > automaton.MaxPermission {
		return false
	}
	for n := 1; n <= automaton.MaxSegments; n++ {
		segment, rest, more := strings.Cut(s, "/")
		switch {
		case segment == "**" && more, segment != "*" && segment != "**" && !ValidSegment(segment):
			return false
		case !more:
			return true
		}
		s = rest
	}
	return false
}

// ValidSegment reports whether s can be one segment of a permission. "*", "." and ".." cannot.
func ValidSegment(s string) bool {
	return automaton.SegmentEnd(s, 0) == len(s) && s != ""
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// ValidAppID reports whether s has the form of an appid: 1 to 64 of A-Z a-z 0-9 _ -, the first a letter or a digit. It does
// not check whether the appid is taken or reserved; [Compile] does.
func ValidAppID(s string) bool {
	if s == "" || len(s) > maxAppID || !isAlphanumeric(s[0]) {
		return false
	}
	for i := 1; i < len(s); i++ {
		if c := s[i]; !isAlphanumeric(c) && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// Match reports whether pattern matches permission. It is false if either is malformed. It allocates nothing, and takes
// time linear in their lengths.
func Match(pattern, permission string) bool {
	return ValidPattern(pattern) && ValidPermission(permission) && match(pattern, permission)
}

// match is [Match] for a well-formed pattern and a well-formed permission.
func match(pattern, permission string) bool {
	for {
		want, restPattern, morePattern := strings.Cut(pattern, "/")
		got, rest, more := strings.Cut(permission, "/")
		switch {
		case want == "**":
			return true
		case want != "*" && want != got, more != morePattern:
			return false
		case !more:
			return true
		}
		pattern, permission = restPattern, rest
	}
}

// overlap reports whether a permission matches both of two well-formed patterns.
func overlap(p, q string) bool {
	for {
		a, restP, moreP := strings.Cut(p, "/")
		b, restQ, moreQ := strings.Cut(q, "/")
		switch {
		case a == "**" || b == "**":
			return true // the other pattern has at least one segment left, and at most as many as a permission
		case a != "*" && b != "*" && a != b, moreP != moreQ:
			return false
		case !moreP:
			return true
		}
		p, q = restP, restQ
	}
}
