//go:build !race

package keys

// RaceEnabled: with the race detector, pools drop their contents, so allocations can't be counted.
const RaceEnabled = false
