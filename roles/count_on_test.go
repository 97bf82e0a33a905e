//go:build race

package roles

const counting = true

func lookupsOf(f func()) int64 {
	before := lookups.Load()
	f()
	return lookups.Load() - before
}
