//go:build race

package engines_test

// slower is how much longer a database in this process may take: the race detector slows SQLite, which is Go here, down.
const slower = 5
