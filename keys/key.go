package keys

import (
	"fmt"
	"io"
	"log/slog"
)

// A Key is a whole credential on its way to its holder. It prints, logs, formats and marshals as its hint;
// only Reveal gives the value. The zero Key holds nothing. Keys are safe for concurrent use.
type Key struct {
	// A pointer, because fmt prints what lies in the unexported field of somebody's struct without asking
	// its methods; and a function behind it, because some printers follow pointers.
	p *hidden
}

type hidden struct {
	hint   string
	reveal func() string
}

func newKey(value, hint string) Key {
	return Key{&hidden{hint: hint, reveal: func() string { return value }}}
}

// Reveal returns the value: show it once, to whom it belongs, and keep it nowhere.
func (k Key) Reveal() string {
	if k.p == nil {
		return ""
	}
	return k.p.reveal()
}

// Hint returns what may be shown: prefix and last four characters, such as "API-…3f9c".
func (k Key) Hint() string {
	if k.p == nil {
		return ""
	}
	return k.p.hint
}

// String returns the hint.
func (k Key) String() string { return k.Hint() }

// Format writes the hint, whatever the verb.
func (k Key) Format(s fmt.State, _ rune) { io.WriteString(s, k.Hint()) }

// LogValue logs the hint.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.Hint()) }

// MarshalText gives the hint, to JSON and other encoders as well.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.Hint()), nil }
