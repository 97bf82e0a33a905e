//go:build !race

package roles

// countLookup does nothing. With the race detector, tests count the look-ups of decisions.
func countLookup() {}
