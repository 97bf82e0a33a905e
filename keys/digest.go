package keys

import "crypto/subtle"

// SHA256 is the algorithm of a digest made without a pepper. With a pepper it is "hmac-sha256:" and the pepper's ID.
const SHA256 = "sha256"

// A Digest is the stored form of a key. It cannot be reversed, and it is not a credential. Only a [Store] receives
// digests: the records that a [Ring] returns have none. A Digest never prints, logs or marshals its value; only Reveal
// returns it. The zero Digest belongs to no key.
//
// Compare digests with Equal: == does not compile, and for reflect.DeepEqual only zero Digests are equal. Digests are
// safe for concurrent use.
type Digest struct {
	// fmt prints an unexported field of a host's struct without calling its methods, and some printers follow
	// pointers. No printer calls a function.
	reveal func() rawDigest
}

// NewDigest returns the digest with this algorithm and sum, for a [Store] that reads a record. The
// algorithm is [SHA256] or "hmac-sha256:" and a pepper ID, at most 80 bytes.
func NewDigest(algorithm string, sum [32]byte) Digest { return rawDigest{algorithm, sum}.seal() }

// Reveal returns the algorithm and the sum, for a [Store] to write. They are empty for the zero Digest.
func (d Digest) Reveal() (algorithm string, sum [32]byte) {
	raw := d.raw()
	return raw.algorithm, raw.sum
}

// IsZero reports whether d is the zero Digest, which no key has.
func (d Digest) IsZero() bool { return d.reveal == nil }

// Equal reports whether d and e have the same algorithm and sum. It compares sums in constant time.
func (d Digest) Equal(e Digest) bool {
	a, b := d.raw(), e.raw()
	return a.equal(&b)
}

// String returns "[digest]", or "" for the zero Digest.
func (d Digest) String() string {
	if d.IsZero() {
		return ""
	}
	return "[digest]"
}

func (d Digest) raw() rawDigest {
	if d.reveal == nil {
		return rawDigest{}
	}
	return d.reveal()
}

// A rawDigest is the value of a Digest, for look-ups that must not allocate. It could be printed, so no exported value
// points to one.
type rawDigest struct {
	algorithm string
	sum       [32]byte
}

func (d rawDigest) seal() Digest {
	if d.isZero() {
		return Digest{}
	}
	own := d // not d, whose address escapes: this makes one allocation
	return Digest{func() rawDigest { return own }}
}

// sealAll returns a new slice of digests, to pass to a store.
func sealAll(raw []rawDigest) []Digest {
	digests := make([]Digest, len(raw))
	for i := range raw {
		digests[i] = raw[i].seal()
	}
	return digests
}

func (d *rawDigest) isZero() bool { return *d == rawDigest{} }

// equal compares in constant time for equal algorithms.
func (d *rawDigest) equal(e *rawDigest) bool {
	return d.algorithm == e.algorithm && subtle.ConstantTimeCompare(d.sum[:], e.sum[:]) == 1
}
