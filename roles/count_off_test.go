//go:build !race

package roles

const counting = false

func lookupsOf(f func()) int64 { f(); return 0 }
