//go:build race

package roles

import "github.com/latchkey-go/latchkey/roles/internal/automaton"

const counting = true

func lookupsOf(f func()) int64 {
	before := automaton.Lookups.Load()
	f()
	return automaton.Lookups.Load() - before
}
