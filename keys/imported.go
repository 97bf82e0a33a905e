package keys

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Imported is a key that was made elsewhere, as its Text or a Digest of it, neither of which prints.
type Imported struct {
	Kind Kind
	Text Key // see [NewKey]; only its digest is stored

	// Digest is for keys whose text is not available. Its algorithm must be one of the ring's: [SHA256], or that of one of
	// its peppers, over the whole text. Hint is shown in lists.
	Digest Digest
	Hint   string
	// Strong asserts that the text of Digest has 112 bits of randomness or more, which can't be read from a digest. For a
	// Text, Import estimates it.
	Strong bool

	Name       string
	UserID     string // user keys only
	Role       string // custom keys only
	ForeignID  string // its ID in the former system; unique in the space
	Scopes     []string
	AllowedIPs []netip.Prefix
	CreatedAt  time.Time // zero, or in the future, means now; [Config.MaxAge] counts from it
	CreatedBy  string
	ExpiresAt  time.Time // may be in the past
	Disabled   bool

	// AllowWeak accepts a key that has, or may have, less than 112 bits, if the ring has a pepper. Its record is marked Weak
	// until the key is refreshed.
	AllowWeak bool
}

// Import stores a key made elsewhere, so that its holders need not change it. Its record is marked Legacy, unless its text
// is a key of this ring's format, checksum included. Import returns an error wrapping [ErrRefused], with the reason, if a
// record that would be Legacy is imported without [Config.ImportedKeys], or if the text is empty, longer than 256 bytes,
// not UTF-8, has a comma, a control character or a blank at either end, begins like an authentication scheme or like a key
// of the other kind, or is too weak. It returns one wrapping [ErrExists] if the key, its foreign ID, or a key of its user
// exists already.
func (r *Ring) Import(ctx context.Context, in Imported) (Record, error) {
	rec, err := r.checkImport(ctx, &in)
	if err != nil {
		return Record{}, err
	}
	if rec, err = r.insert(ctx, rec); err != nil {
		return Record{}, err
	}
	r.notify(&rec, "imported")
	return rec.withoutDigests(), nil
}

// CheckImport returns the record that [Ring.Import] would store now, without an ID, or the error that it would return.
// It writes nothing, and does not count as a use of an existing key. It does not check whether the foreign ID is taken, or
// the user has a key.
func (r *Ring) CheckImport(ctx context.Context, in Imported) (Record, error) {
	rec, err := r.checkImport(ctx, &in)
	return rec.withoutDigests(), err
}

func (r *Ring) checkImport(ctx context.Context, in *Imported) (Record, error) {
	if err := r.open(); err != nil {
		return Record{}, err
	}
	legacy := !r.format.Valid(in.Text.Reveal())
	if legacy && !r.imported {
		return Record{}, fmt.Errorf("%w: this ring verifies no imported keys: set Config.ImportedKeys in each program that shares the store", ErrRefused)
	}
	rec := Record{
		Kind: in.Kind, Name: in.Name, UserID: in.UserID, Role: in.Role, ForeignID: in.ForeignID,
		Scopes: in.Scopes, AllowedIPs: in.AllowedIPs, CreatedBy: in.CreatedBy, Legacy: legacy,
		CreatedAt: inMicros(in.CreatedAt), ExpiresAt: inMicros(in.ExpiresAt),
	}
	at := now()
	if rec.CreatedAt.IsZero() || rec.CreatedAt.After(at) {
		rec.CreatedAt = at
	}
	if in.Disabled {
		rec.DisabledAt = at
	}
	if rec.ExpiresAt.IsZero() || rec.ExpiresAt.After(at) {
		var err error
		if rec.ExpiresAt, err = r.expiry(rec.ExpiresAt, rec.CreatedAt); err != nil {
			return Record{}, err
		}
	}
	candidates, err := r.digestImported(&rec, in)
	if err != nil {
		return Record{}, err
	}
	if err := checkRecord(&rec, r.space); err != nil {
		return Record{}, err
	}
	// The store refuses a second record with the same digest. It can't detect the same text under another pepper.
	switch _, err := r.store.Find(ctx, r.space, candidates); {
	case err == nil:
		return Record{}, fmt.Errorf("%w: this key exists already", ErrExists)
	case !errors.Is(err, ErrNotFound):
		return Record{}, storeError(err)
	}
	return rec, nil
}

// digestImported sets Digest, Hint and Weak of rec, and returns all digests under which the key may be stored.
func (r *Ring) digestImported(rec *Record, in *Imported) ([]Digest, error) {
	weak, text := !in.Strong, in.Text.Reveal()
	if text != "" {
		if !in.Digest.IsZero() || in.Hint != "" || in.Strong {
			return nil, fmt.Errorf("%w: a text excludes a digest, a hint and Strong", ErrRefused)
		}
		kind, n := r.format.prefix(text)
		problem := textProblem(text)
		if problem == "" && n > 0 && kind != in.Kind {
			problem = "begins like a key of the other kind"
		}
		if problem != "" {
			return nil, fmt.Errorf("%w: the key %s", ErrRefused, problem)
		}
		weak = strength(text[n:]) < minStrength
		rec.Digest, rec.Hint = r.digester.current(text), r.format.hint(text)
	} else {
		if algorithm, sum := in.Digest.Reveal(); sum == [32]byte{} || !r.digester.supports(algorithm) {
			return nil, fmt.Errorf("%w: the key has no text, and no digest that this ring can make", ErrRefused)
		}
		if err := checkText("hint", in.Hint, 0, maxHint); err != nil {
			return nil, err
		}
		rec.Digest, rec.Hint = in.Digest, in.Hint
	}
	rec.Weak = weak
	switch {
	case weak && !in.AllowWeak:
		return nil, fmt.Errorf("%w: the key has, or may have, less than %d bits of randomness", ErrRefused, minStrength)
	case weak && rec.Digest.raw().algorithm == SHA256:
		return nil, fmt.Errorf("%w: a weak key is only taken under a pepper", ErrRefused)
	}
	if text != "" {
		return sealAll(r.digester.all(nil, r.digester[0].digest(text), text)), nil
	}
	return []Digest{rec.Digest}, nil
}

const maxHint = 40 // bytes: a prefix, an ellipsis and four characters; a whole key does not fit

// schemes are first words of a header value that was copied in place of the key.
var schemes = []string{
	"bearer", "basic", "digest", "token", "negotiate", "apikey", "api-key", "dpop", "hoba", "mutual", "vapid", "hawk",
}

// textProblem returns the reason why no key can have this text, or "".
func textProblem(text string) string {
	switch {
	case len(text) > maxText:
		return "is longer than 256 bytes"
	case !utf8.ValidString(text):
		return "is not valid UTF-8"
	case strings.TrimSpace(text) != text:
		return "has a blank at its beginning or end"
	case strings.Contains(text, ","):
		return "has a comma, which separates two keys in a header"
	case strings.ContainsFunc(text, unicode.IsControl):
		return "has a control character"
	}
	first, _, _ := strings.Cut(text, " ")
	if slices.ContainsFunc(schemes, func(s string) bool { return strings.EqualFold(s, first) }) {
		return "begins like an authentication scheme"
	}
	return ""
}

// importedKeys is the survey that finds imported keys in the store of a ring without ImportedKeys.
var importedKeys = survey{"whether the store holds imported keys is not known yet", func(r *Ring) (string, error) {
	page, err := r.page(Filter{Legacy: true, Limit: 1})
	if err != nil || len(page) == 0 {
		return "", err
	}
	return fmt.Sprintf("the store holds imported keys in space %q, and this ring refuses those without a valid checksum: "+
		"set Config.ImportedKeys, or refresh or remove these keys", r.space), nil
}}

// minStrength is the number of bits that NIST SP 800-63B and OWASP ASVS 6.5.2 require of a secret that is stored under a
// plain hash.
const minStrength = 112

// strength estimates the bits of randomness in text: the smallest of
//
//   - length × log2 of the alphabet that its characters come from (digits 10, hex 16, letters 26 or 52, others 33),
//   - length × the empirical entropy of its characters,
//   - length × the empirical entropy of the steps from one character to the next, which finds "abcdef…",
//   - 2 bits a character, if it has blanks or no digit, and so consists of words.
//
// Characters that end a repeated group of four do not count towards the length. A short text has less empirical entropy
// than its source; Miller and Madow's correction, (distinct symbols - 1) / (2 ln 2) bits, compensates for it. The estimate
// does not detect words that are joined with numbers: it refuses accidents and does not prove randomness.
func strength(text string) float64 {
	if text == "" {
		return 0
	}
	var chars, steps [256]int
	seen := map[string]bool{}
	length := 0
	for i := range len(text) {
		chars[text[i]]++
		if i > 0 {
			steps[text[i]-text[i-1]]++
		}
		if i < 3 || !seen[text[i-3:i+1]] {
			length++
		}
		if i >= 3 {
			seen[text[i-3:i+1]] = true
		}
	}
	n := float64(length)
	bits := min(n*math.Log2(alphabet(text)), entropy(&chars, n), entropy(&steps, n))
	if strings.ContainsRune(text, ' ') || !strings.ContainsAny(text, "0123456789") {
		bits = min(bits, 2*n)
	}
	return bits
}

// entropy returns n times the empirical entropy of the counted symbols, in bits, corrected for small samples.
func entropy(counts *[256]int, n float64) float64 {
	var total, distinct, sum float64
	for _, c := range counts {
		if c > 0 {
			total += float64(c)
			distinct++
			sum -= float64(c) * math.Log2(float64(c))
		}
	}
	if distinct < 2 {
		return 0
	}
	return n*(math.Log2(total)+sum/total) + (distinct-1)/(2*math.Ln2)
}

// alphabet returns the size of the smallest usual alphabet that has all bytes of text.
func alphabet(text string) float64 {
	var digit, lower, upper, other float64
	hex := true
	for _, c := range []byte(text) {
		switch {
		case c >= '0' && c <= '9':
			digit = 10
		case c >= 'a' && c <= 'z':
			lower, hex = 26, hex && c <= 'f'
		case c >= 'A' && c <= 'Z':
			upper, hex = 26, hex && c <= 'F'
		default:
			other, hex = 33, false
		}
	}
	if hex && digit > 0 && (lower == 0) != (upper == 0) {
		return 16
	}
	return digit + lower + upper + other
}
