//go:build race

package adminapi_test

// slower is how much longer a database in this process may take: the race detector slows down SQLite, which is Go
// code here.
const slower = 5
