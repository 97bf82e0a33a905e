package keys

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Imported is a key that was made elsewhere: its Text, or a Digest of it. It prints and logs without them.
type Imported struct {
	Kind Kind
	Text string // the key; digested at once and not kept

	// Digest is for keys whose text nobody has. Its algorithm must be one of the ring's: [SHA256], or that
	// of one of its peppers, over the whole text. Hint is what lists show of it.
	Digest Digest
	Hint   string
	// Strong is the caller's word that the text behind Digest holds 112 bits of randomness or more, which
	// cannot be seen from a digest. Of a Text it is worked out.
	Strong bool

	Name       string
	UserID     string // user keys only
	Role       string // custom keys only
	ForeignID  string // what it was known by elsewhere; unique in the space
	Scopes     []string
	AllowedIPs []netip.Prefix
	CreatedAt  time.Time // zero, or in the future, means now; [Config.MaxAge] counts from it
	CreatedBy  string
	ExpiresAt  time.Time // may be over
	Disabled   bool

	// AllowWeak takes a key that has, or may have, less than 112 bits; only under a pepper. Its record stays
	// marked Weak until it is refreshed.
	AllowWeak bool
}

// Format writes what may be shown, whatever the verb.
func (i Imported) Format(s fmt.State, _ rune) {
	fmt.Fprintf(s, "imported %s key %q", i.Kind, i.ForeignID)
}

// MarshalText gives what may be shown, to JSON as well.
func (i Imported) MarshalText() ([]byte, error) { return []byte(fmt.Sprint(i)), nil }

// LogValue logs what may be shown.
func (i Imported) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(i)) }

// Import stores a key made elsewhere, so that its holders need not change it. Its record is marked Legacy. Import
// returns an error wrapping [ErrRefused] that says why if the ring is without [Config.ImportedKeys], or the key cannot be
// taken: a text that is empty, longer than 256 bytes, not UTF-8, with a comma, a control character or a blank at either
// end, that begins like an authentication scheme or like a key of the other kind, or that is too weak. An error wraps
// [ErrExists] if the key, its foreign ID, or a key of its user is there already.
func (r *Ring) Import(ctx context.Context, in Imported) (Record, error) {
	rec, err := r.checkImport(ctx, &in)
	if err != nil {
		return Record{}, err
	}
	if rec, err = r.insert(ctx, rec); err != nil {
		return Record{}, err
	}
	r.tell(&rec, "imported")
	return rec.withoutDigests(), nil
}

// CheckImport returns the record that [Ring.Import] would store now, without an ID, or the error that it would return.
// It writes nothing, and is no use of a key that is there already. Whether the foreign ID is taken, or the user has a
// key, shows only when it is stored.
func (r *Ring) CheckImport(ctx context.Context, in Imported) (Record, error) {
	rec, err := r.checkImport(ctx, &in)
	return rec.withoutDigests(), err
}

func (r *Ring) checkImport(ctx context.Context, in *Imported) (Record, error) {
	if err := r.open(); err != nil {
		return Record{}, err
	}
	if !r.imported {
		return Record{}, fmt.Errorf("%w: this ring verifies no imported keys: set Config.ImportedKeys in each program that shares the store", ErrRefused)
	}
	rec := Record{
		Kind: in.Kind, Name: in.Name, UserID: in.UserID, Role: in.Role, ForeignID: in.ForeignID,
		Scopes: in.Scopes, AllowedIPs: in.AllowedIPs, CreatedBy: in.CreatedBy, Legacy: true,
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
	// The store sees to it that no digest is there twice; that the same text is not there under another
	// pepper, only we can see.
	switch _, err := r.store.Find(ctx, r.space, candidates); {
	case err == nil:
		return Record{}, fmt.Errorf("%w: this key is there already", ErrExists)
	case !errors.Is(err, ErrNotFound):
		return Record{}, storeError(err)
	}
	return rec, nil
}

// digestImported puts digest, hint and strength into rec, and returns the digests it might be stored under.
func (r *Ring) digestImported(rec *Record, in *Imported) ([]Digest, error) {
	weak := !in.Strong
	if in.Text != "" {
		if !in.Digest.IsZero() || in.Hint != "" || in.Strong {
			return nil, fmt.Errorf("%w: a text and a digest, hint or strength besides", ErrRefused)
		}
		if err := r.checkText(in.Text, in.Kind); err != nil {
			return nil, err
		}
		_, n := r.format.prefix(in.Text)
		weak = strength(in.Text[n:]) < minStrength
		rec.Digest, rec.Hint = r.digester.current(in.Text), r.format.hint(in.Text)
	} else {
		if algorithm, sum := in.Digest.Reveal(); sum == [32]byte{} || !r.digester.knows(algorithm) {
			return nil, fmt.Errorf("%w: neither a text nor a digest that this ring can make", ErrRefused)
		}
		if err := plain("hint", in.Hint, 0, maxHint); err != nil {
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
	if in.Text != "" {
		return sealAll(r.digester.all(nil, r.digester[0].digest(in.Text), in.Text)), nil
	}
	return []Digest{rec.Digest}, nil
}

const maxHint = 40 // bytes: a prefix, an ellipsis and four characters; a whole key does not fit

// schemes begin what is no key but a header's value that was copied too far.
var schemes = []string{
	"bearer", "basic", "digest", "token", "negotiate", "apikey", "api-key", "dpop", "hoba", "mutual", "vapid", "hawk",
}

func (r *Ring) checkText(text string, kind Kind) error {
	why := textProblem(text)
	if k, n := r.format.prefix(text); why == "" && n > 0 && k != kind {
		why = "begins like a key of the other kind"
	}
	if why != "" {
		return fmt.Errorf("%w: the key %s", ErrRefused, why)
	}
	return nil
}

// textProblem returns why no key has this text, or "".
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
	for _, s := range schemes {
		if strings.EqualFold(first, s) {
			return "begins like an authentication scheme"
		}
	}
	return ""
}

// importedKeys looks for imported keys that a ring without ImportedKeys refuses.
var importedKeys = survey{"whether the store holds imported keys is not known yet", func(r *Ring) (string, error) {
	page, err := r.page(Filter{Legacy: true, Limit: 1})
	if err != nil || len(page) == 0 {
		return "", err
	}
	return fmt.Sprintf("the store holds imported keys in space %q, and this ring refuses those without a valid checksum: "+
		"set Config.ImportedKeys, or refresh or remove these keys", r.space), nil
}}
