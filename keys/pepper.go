package keys

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"slices"
	"sync"
)

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

// String returns "pepper" and the ID.
func (p Pepper) String() string { return "pepper " + p.id }

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
