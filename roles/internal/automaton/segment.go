package automaton

import "strings"

// The limits of a permission.
const (
	MaxSegments   = 16
	maxSegment    = 64
	MaxPermission = MaxSegments*maxSegment + MaxSegments - 1 // bytes
)

// inSegment holds the bytes that may stand in a segment.
var inSegment = func() (in [256]bool) {
	for _, b := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.:@") {
		in[b] = true
	}
	return in
}()

// SegmentEnd returns where the segment of s that starts at i ends. It returns -1 if the segment is not well formed. It
// reads at most one byte more than a segment can have.
func SegmentEnd(s string, i int) int {
	j := i
	for j < len(s) && inSegment[s[j]] {
		j++
		if j-i > maxSegment {
			return -1
		}
	}
	if j < len(s) && s[j] != '/' {
		return -1
	}
	if j-i <= 2 && (j == i || s[i] == '.' && s[j-1] == '.') {
		return -1 // empty, "." or ".."
	}
	return j
}

// IsLiteral reports whether a well-formed pattern matches exactly one permission.
func IsLiteral(pattern string) bool {
	return strings.IndexByte(pattern, '*') < 0
}
