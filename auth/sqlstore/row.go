package sqlstore

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/latchkey-go/latchkey/keys"
)

// columns are the columns of a key, in the order of a [row].
// Columns that an update leaves unchanged come last.
const (
	columns = `id, space, name, role, foreign_id, scopes, allowed_ips, hint, digest, previous, previous_until, overlap,
	legacy, weak, sole, generation, created_by, refreshed_at, expires_at, disabled_at, invalidated_at,
	kind, user_id, created_at, last_used_at`
	updatedColumns = 21
)

// A row is one key as the database has it: texts, int64s and nil.
type row [25]any

// errCorrupt is the error of a row that this package did not write.
var errCorrupt = errors.New("sqlstore: corrupt row")

// encode returns r as it is stored. It refuses a record that could not be read again.
func encode(r *keys.Record) (*row, error) {
	w := row{
		r.ID, r.Space, r.Name, r.Role, r.ForeignID, list(r.Scopes, func(s string) string { return s }),
		list(r.AllowedIPs, netip.Prefix.String), r.Hint, digestText(r.Digest.Reveal()), nil, micros(r.PreviousUntil), int64(r.Overlap),
		flag(r.Legacy), flag(r.Weak), flag(r.Sole), int64(r.Generation), r.CreatedBy, micros(r.RefreshedAt), micros(r.ExpiresAt),
		micros(r.DisabledAt), micros(r.InvalidatedAt),
		string(r.Kind), r.UserID, micros(r.CreatedAt), micros(r.LastUsedAt),
	}
	if !r.Previous.IsZero() {
		w[9] = digestText(r.Previous.Reveal())
	}
	if _, wrong := w.read(); wrong != "" {
		return nil, fmt.Errorf("sqlstore: the record cannot be stored: %s", wrong)
	}
	return &w, nil
}

// corrupt returns an error wrapping [errCorrupt] that names the row and what is wrong, or nil if nothing is.
func corrupt(kind, id, wrong string) error {
	if wrong == "" {
		return nil
	}
	return fmt.Errorf("%w: %s %.64q: %s", errCorrupt, kind, id, wrong)
}

// decode returns the record in w, or an error that names the row and the column.
func (w *row) decode() (keys.Record, error) {
	r, wrong := w.read()
	return r, corrupt("key", r.ID, wrong)
}

// read returns the record in w. wrong names the first corrupt column and its mistake.
func (w *row) read() (_ keys.Record, wrong string) {
	c := cells{rest: w[:]}
	r := keys.Record{
		ID: c.text("id"), Space: c.text("space"), Name: c.text("name"), Role: c.text("role"), ForeignID: c.text("foreign_id"),
		Scopes:     elements(&c, "scopes", func(s string) (string, error) { return s, nil }),
		AllowedIPs: elements(&c, "allowed_ips", netip.ParsePrefix),
		Hint:       c.text("hint"), Digest: c.digest("digest"),
		Previous: c.previous(), PreviousUntil: c.time("previous_until"), Overlap: time.Duration(c.number("overlap", 0)),
		Legacy: c.flag("legacy"), Weak: c.flag("weak"), Sole: c.flag("sole"), Generation: uint64(c.number("generation", 1)),
		CreatedBy: c.text("created_by"), RefreshedAt: c.time("refreshed_at"), ExpiresAt: c.time("expires_at"),
		DisabledAt: c.time("disabled_at"), InvalidatedAt: c.time("invalidated_at"),
		Kind: keys.Kind(c.text("kind")), UserID: c.text("user_id"), CreatedAt: c.time("created_at"), LastUsedAt: c.time("last_used_at"),
	}
	if r.Kind != keys.KindUser && r.Kind != keys.KindCustom {
		c.corrupt("kind", "unknown")
	}
	return r, c.wrong
}

// cells reads a row from left to right and keeps the first mistake.
type cells struct {
	rest  []any
	wrong string
}

func (c *cells) next() any {
	v := c.rest[0]
	c.rest = c.rest[1:]
	return v
}

// corrupt notes the mistake of a column, without its value.
func (c *cells) corrupt(column, what string) {
	if c.wrong == "" {
		c.wrong = column + ": " + what
	}
}

func (c *cells) text(column string) string {
	switch v := c.next().(type) {
	case string:
		return v
	case []byte:
		return string(v)
	}
	c.corrupt(column, "not a text")
	return ""
}

func (c *cells) number(column string, least int64) int64 {
	n, ok := c.next().(int64)
	if !ok || n < least {
		c.corrupt(column, "not a number of its range")
		return 0
	}
	return n
}

func (c *cells) flag(column string) bool {
	n, ok := c.next().(int64)
	if !ok || n != 0 && n != 1 {
		c.corrupt(column, "neither 0 nor 1")
	}
	return n != 0
}

// time reads a time. It refuses the number of Go's zero time, which means "not set" in Go and a real time in SQL.
func (c *cells) time(column string) time.Time {
	v := c.next()
	if v == nil {
		return time.Time{}
	}
	n, ok := v.(int64)
	t := time.UnixMicro(n).UTC()
	if !ok || t.IsZero() {
		c.corrupt(column, "not a time")
		return time.Time{}
	}
	return t
}

// previous reads the previous digest, which may be missing.
func (c *cells) previous() keys.Digest {
	if c.rest[0] == nil {
		c.next()
		return keys.Digest{}
	}
	return c.digest("previous")
}

func (c *cells) digest(column string) keys.Digest {
	text := c.text(column)
	colon := strings.LastIndexByte(text, ':')
	if colon < 0 {
		c.corrupt(column, "not an algorithm and a sum")
		return keys.Digest{}
	}
	algorithm, digits := text[:colon], text[colon+1:]
	if algorithm != keys.SHA256 && !strings.HasPrefix(algorithm, "hmac-sha256:") || len(algorithm) > 80 {
		c.corrupt(column, "unknown algorithm")
	}
	sum, err := hex.DecodeString(digits)
	if err != nil || len(sum) != 32 || strings.ToLower(digits) != digits {
		c.corrupt(column, "not 64 lower-case hex digits")
		return keys.Digest{}
	}
	return keys.NewDigest(algorithm, [32]byte(sum))
}

// elements reads a JSON array of texts.
func elements[T any](c *cells, column string, parse func(string) (T, error)) []T {
	text := c.text(column)
	if text == "[]" {
		return nil
	}
	var texts []*string
	if err := json.Unmarshal([]byte(text), &texts); err != nil || texts == nil {
		c.corrupt(column, "not a JSON array of texts")
		return nil
	}
	read := make([]T, len(texts))
	for i, t := range texts {
		if t == nil {
			c.corrupt(column, "not a JSON array of texts")
			return nil
		}
		var err error
		if read[i], err = parse(*t); err != nil {
			c.corrupt(column, "a malformed element")
			return nil
		}
	}
	return read
}

// list writes a JSON array of texts.
func list[T any](values []T, text func(T) string) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = text(v)
	}
	written, _ := json.Marshal(texts) // texts can be written
	return string(written)
}

func digestText(algorithm string, sum [32]byte) string {
	return algorithm + ":" + hex.EncodeToString(sum[:])
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// micros returns t as it is stored: nil if it is zero.
func micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}
