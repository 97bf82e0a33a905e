package keys

import "io"

// SetRandom makes a ring draw from source.
func SetRandom(r *Ring, source io.Reader) { r.random = source }

// Strength is the estimate behind Import.
func Strength(text string) float64 { return strength(text) }

// Pending returns the number of uses that are not flushed.
func Pending(r *Ring) int {
	r.uses.mu.Lock()
	defer r.uses.mu.Unlock()
	return len(r.uses.pending)
}

// Cached returns the number of records in a ring's cache, and their size by its own estimate.
func Cached(r *Ring) (records int, bytes int64) {
	r.cache.Locked(func() { records, bytes = len(r.cache.sieve.byRef), r.cache.sieve.bytes })
	return records, bytes
}

// IsCached reports whether a key's record is in a ring's cache.
func IsCached(r *Ring, text string) bool {
	d := r.digester[0].digest(text)
	return r.cache.found.get(r.space, &d) != nil
}
