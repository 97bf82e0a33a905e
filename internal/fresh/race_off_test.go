//go:build !race

package fresh

const raceEnabled = false
