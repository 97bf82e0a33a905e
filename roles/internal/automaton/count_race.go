//go:build race

package automaton

import "sync/atomic"

// Lookups is the number of table look-ups so far. Only binaries with the race detector count them.
var Lookups atomic.Int64

func countLookup() { Lookups.Add(1) }
