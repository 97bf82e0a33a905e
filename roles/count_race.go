//go:build race

package roles

import "sync/atomic"

// lookups is the number of times that an index was searched.
var lookups atomic.Int64

func countLookup() { lookups.Add(1) }
