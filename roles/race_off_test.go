//go:build !race

package roles_test

const raceEnabled = false
