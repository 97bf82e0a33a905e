package keys

import (
	"fmt"
	"io"
)

// A Key is a credential. It prints, logs, formats and marshals as its hint, such as "API-…3f9c"; only Reveal returns the
// value. The zero Key is empty. Keys are safe for concurrent use.
type Key struct {
	// A pointer, because fmt prints an unexported field of a host's struct without calling its methods. A function behind
	// it, because some printers follow pointers.
	p *hidden
}

type hidden struct {
	hint   string
	reveal func() string
}

func newKey(value, hint string) Key {
	return Key{&hidden{hint: hint, reveal: func() string { return value }}}
}

// NewKey returns text as a Key, for [Imported]. Its hint is "[key]".
func NewKey(text string) Key { return newKey(text, "[key]") }

// Reveal returns the value. Show it once, to its owner, and do not store it.
func (k Key) Reveal() string {
	if k.p == nil {
		return ""
	}
	return k.p.reveal()
}

// String returns the hint.
func (k Key) String() string {
	if k.p == nil {
		return ""
	}
	return k.p.hint
}

// Format writes the hint, whatever the verb.
func (k Key) Format(s fmt.State, _ rune) { io.WriteString(s, k.String()) }

// MarshalText returns the hint. JSON and other encoders use it too.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }
