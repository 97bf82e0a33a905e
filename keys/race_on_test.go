//go:build race

package keys

// RaceEnabled: the race detector makes pools drop what they hold, so allocations mean nothing.
const RaceEnabled = true
