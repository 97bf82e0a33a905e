//go:build race

package fresh

// raceEnabled: the simulation has one goroutine, and is ten times slower under the race detector.
const raceEnabled = true
