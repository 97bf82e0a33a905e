package keys

import "io"

// SetRandom makes a ring draw from source.
func SetRandom(r *Ring, source io.Reader) { r.random = source }

// Strength is the estimate behind Import.
func Strength(text string) float64 { return strength(text) }

// Pending returns how many uses wait for a flush.
func Pending(r *Ring) int {
	r.uses.mu.Lock()
	defer r.uses.mu.Unlock()
	return len(r.uses.pending)
}

// Kept returns how many records a ring keeps, and what they take by its own count.
func Kept(r *Ring) (records int, bytes int64) {
	r.cache.Locked(func() { records, bytes = len(r.cache.sieve.byRef), r.cache.sieve.bytes })
	return records, bytes
}

// Keeps reports whether a ring keeps a key's record.
func Keeps(r *Ring, text string) bool {
	d := r.digester[0].digest(text)
	return r.cache.found.get(r.space, &d) != nil
}
