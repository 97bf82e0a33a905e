//go:build !race

package graphqlauth_test

const raceEnabled = false
