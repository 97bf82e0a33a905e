package keys

import (
	"crypto/subtle"
	"fmt"
	"io"
)

// SHA256 is the [Digest.Algorithm] of a digest made without a pepper. With one it is "hmac-sha256:" and the
// pepper's ID.
const SHA256 = "sha256"

// A Digest is what is stored of a key. It cannot be turned back, and it is not a credential: presenting it
// is presenting a wrong key. The zero Digest belongs to no key.
type Digest struct {
	// Algorithm says how Sum was made: [SHA256] or "hmac-sha256:" and a pepper ID, at most 80 bytes.
	Algorithm string
	Sum       [32]byte
}

// IsZero reports whether d is the zero Digest, which no key has.
func (d Digest) IsZero() bool { return d == Digest{} }

// equal compares in constant time for equal algorithms.
func (d *Digest) equal(e *Digest) bool {
	return d.Algorithm == e.Algorithm && subtle.ConstantTimeCompare(d.Sum[:], e.Sum[:]) == 1
}

// String hides the digest: it has no business in a log.
func (d Digest) String() string { return "[digest]" }

// Format hides the digest, whatever the verb.
func (d Digest) Format(s fmt.State, _ rune) { io.WriteString(s, "[digest]") }

// MarshalJSON hides the digest, for records end up in JSON logs and answers. A store that keeps records as
// JSON has to write Algorithm and Sum by itself.
func (d Digest) MarshalJSON() ([]byte, error) { return []byte(`"[digest]"`), nil }
