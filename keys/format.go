package keys

import (
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"regexp"
	"slices"
	"strings"
	"unsafe"
)

const (
	maxText     = 256 // bytes of a credential; a longer one is malformed
	randomBytes = 16
	bodyLen     = 2*randomBytes + 8 // hex digits after the prefix: random, then checksum
)

// A Format recognizes the keys of a ring. Get it from [Ring.Format]; the zero Format recognizes none.
type Format struct {
	user, custom []string // prefixes; the first of each is issued
}

// Pattern returns a regular expression (RE2) for secret scanners. A match is a key of the ring if [Format.Valid] reports it
// too. It does not match imported keys of another shape.
func (f Format) Pattern() string {
	all := slices.Concat(f.user, f.custom)
	for i, p := range all {
		all[i] = regexp.QuoteMeta(p)
	}
	return fmt.Sprintf(`\b(?:%s)[0-9a-f]{%d}\b`, strings.Join(all, "|"), bodyLen)
}

// Valid reports whether text has the shape of a key: prefix, digits and checksum. It does not
// report whether the key was issued.
func (f Format) Valid(text string) bool {
	_, ok := f.parse(text)
	return ok
}

// HasPrefix reports whether text begins with one of the ring's prefixes.
func (f Format) HasPrefix(text string) bool {
	_, n := f.prefix(text)
	return n > 0
}

// Matches reports whether the whole of text looks like one of the ring's keys: a prefix and 40 hex digits, in either
// case. It does not check the checksum, so that it also finds mistyped keys and keys imported from Cockpit.
func (f Format) Matches(text string) bool {
	n := len(text) - bodyLen
	if n <= 0 {
		return false
	}
	if _, length := f.prefix(text[:n]); length != n {
		return false
	}
	for i := n; i < len(text); i++ {
		if c := text[i]; notHex[c] != 0 && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}

// Contains reports whether text may contain one of the ring's keys: a prefix at the beginning or after a byte that is not a
// letter or digit, or a prefix anywhere that the digits of a key follow. Its time is linear in the length of text.
func (f Format) Contains(text string) bool {
	for _, list := range [...][]string{f.custom, f.user} {
		for _, p := range list {
			for at := 0; ; at++ {
				i := strings.Index(text[at:], p)
				if i < 0 {
					break
				}
				at += i
				if at == 0 || !alphanumeric(text[at-1]) || beginsWithDigits(text[at+len(p):]) {
					return true
				}
			}
		}
	}
	return false
}

// beginsWithDigits reports whether text begins with the digits of a key, issued here or imported from Cockpit.
func beginsWithDigits(text string) bool {
	if len(text) < bodyLen {
		return false
	}
	for i := range bodyLen {
		if notHex[text[i]] != 0 {
			return false
		}
	}
	return true
}

// prefix returns the kind and the length of the prefix that text begins with; 0 if it has none.
func (f Format) prefix(text string) (Kind, int) {
	for _, p := range f.custom {
		if strings.HasPrefix(text, p) {
			return KindCustom, len(p)
		}
	}
	for _, p := range f.user {
		if strings.HasPrefix(text, p) {
			return KindUser, len(p)
		}
	}
	return "", 0
}

// parse checks the shape and checksum of text, and returns the kind of key that its prefix says.
func (f Format) parse(text string) (Kind, bool) {
	kind, n := f.prefix(text)
	if n == 0 || len(text) != n+bodyLen {
		return "", false
	}
	body, tail := text[n:len(text)-8], text[len(text)-8:]
	odd := byte(0)
	for i := range len(body) {
		odd |= notHex[body[i]] // a branch would often be mispredicted
	}
	sum := checksum(text[:len(text)-8])
	for i := 7; i >= 0; i-- {
		odd |= tail[i] ^ "0123456789abcdef"[sum&15]
		sum >>= 4
	}
	if odd != 0 {
		return "", false
	}
	return kind, true
}

// notHex is 0 at lower-case hex digits.
var notHex = func() (t [256]byte) {
	for c := range t {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			t[c] = 1
		}
	}
	return t
}()

// generate makes a new key from 128 bits of random. It returns an error if the source fails or is short.
func (f Format) generate(kind Kind, random io.Reader) (text string, err error) {
	var bits [randomBytes]byte
	if _, err := io.ReadFull(random, bits[:]); err != nil {
		return "", fmt.Errorf("keys: random source: %w", err)
	}
	prefix := f.custom[0]
	if kind == KindUser {
		prefix = f.user[0]
	}
	text = prefix + hex.EncodeToString(bits[:])
	return fmt.Sprintf("%s%08x", text, checksum(text)), nil
}

// hint returns the prefix and the last four characters of text. Of a short imported key, four would reveal too much: it
// returns the prefix only.
func (f Format) hint(text string) string {
	_, n := f.prefix(text)
	chars := []rune(text)
	if len(chars) < 20 {
		return text[:n] + "…"
	}
	return text[:n] + "…" + string(chars[len(chars)-4:])
}

func checksum(text string) uint32 { return crc32.ChecksumIEEE(bytesOf(text)) }

// bytesOf returns the bytes of s without a copy, for functions that only read: a conversion would allocate on
// every request, since the compiler cannot see through the assembly behind checksums.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}
