//go:build !race

package engines_test

const slower = 1
