package keys

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"hash"
	"slices"
	"sync"
)

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

// A Pepper is a secret of the host that is mixed into digests (HMAC-SHA-256), so that a stolen database alone reveals no
// key, not even a weak one. Make it with [NewPepper]. It never prints, logs or marshals its secret.
type Pepper struct {
	id     string
	reveal func() []byte // returns the secret; a function, so that it is not printed, as in Digest
}

// NewPepper returns a pepper. The ID is stored with each digest: 1 to 64 of A-Z a-z 0-9 _ - . The secret is at least
// 16 bytes from a random source.
func NewPepper(id string, secret []byte) Pepper {
	secret = slices.Clone(secret)
	return Pepper{id, func() []byte { return secret }}
}

func (p Pepper) secret() []byte {
	if p.reveal == nil {
		return nil
	}
	return p.reveal()
}

// A digester makes the digests under which a credential may be stored: one for each pepper, the current one first, and last
// the one without pepper.
type digester []hasher

type hasher struct {
	algorithm string
	macs      *sync.Pool // of *mac; nil without a pepper
}

// A mac is one keyed hash with its buffers. Making one for each request would take six times as long.
type mac struct {
	hash hash.Hash
	text [maxText]byte
	sum  [sha256.Size]byte
}

func newDigester(peppers []Pepper) digester {
	var d digester
	for _, p := range peppers {
		secret := p.secret()
		d = append(d, hasher{
			algorithm: "hmac-sha256:" + p.id,
			macs:      &sync.Pool{New: func() any { return &mac{hash: hmac.New(sha256.New, secret)} }},
		})
	}
	return append(d, hasher{algorithm: SHA256})
}

// supports reports whether d makes digests with this algorithm.
func (d digester) supports(algorithm string) bool {
	return slices.ContainsFunc(d, func(h hasher) bool { return h.algorithm == algorithm })
}

// current returns the digest of text for a new record.
func (d digester) current(text string) Digest { return d[0].digest(text).seal() }

// all appends the digests under which text may be stored to room. first is the one that d[0] makes.
func (d digester) all(room []rawDigest, first rawDigest, text string) []rawDigest {
	room = append(room, first)
	for i := range d[1:] {
		room = append(room, d[i+1].digest(text))
	}
	return room
}

// digest returns the digest of text, which is not longer than maxText.
func (h *hasher) digest(text string) rawDigest {
	if h.macs == nil {
		return rawDigest{h.algorithm, sha256.Sum256(bytesOf(text))}
	}
	m := h.macs.Get().(*mac)
	n := copy(m.text[:], text)
	m.hash.Reset()
	m.hash.Write(m.text[:n])
	m.hash.Sum(m.sum[:0])
	d := rawDigest{h.algorithm, m.sum}
	clear(m.text[:n])
	h.macs.Put(m)
	return d
}
