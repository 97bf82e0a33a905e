package users

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// What a password costs: argon2id with 19 MiB, two passes and one lane, as the OWASP Password Storage Cheat Sheet has
// it. Each stored password names its own, so these can grow.
const (
	memory   = 19 << 10 // KiB
	passes   = 2
	lanes    = 1
	saltSize = 16 // bytes
	sumSize  = 32 // bytes
)

// The bounds of a password, in characters. The lower one is that of NIST SP 800-63B for a password alone; the upper
// one is that of what is kept: what strangers may have hashed is bounded by the form.
const (
	MinPassword = 15
	MaxPassword = 256
)

// ErrPassword: the password is too short or too long, or no text.
var ErrPassword = fmt.Errorf("users: a password has %d to %d characters", MinPassword, MaxPassword)

// working bounds how many passwords are hashed at once, and with them the memory that strangers can take.
var working = make(chan struct{}, max(2, runtime.GOMAXPROCS(0)))

// waiting bounds how many are hashed or wait for it, which takes some 20 ms each: who would wait for seconds is told at
// once, and the requests that wait do not pile up.
var waiting = make(chan struct{}, 128)

var errBusy = errors.New("users: too many passwords at once")

// withTurn runs f, which hashes something, as soon as it is its turn.
func withTurn(ctx context.Context, f func()) error {
	select {
	case waiting <- struct{}{}:
		defer func() { <-waiting }()
	default:
		return errBusy
	}
	select {
	case working <- struct{}{}:
		defer func() { <-working }()
		f()
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// NewPassword makes a password up: 130 random bits.
func NewPassword() string { return rand.Text() }

// digest returns what is stored of a password, in the PHC string format.
func digest(ctx context.Context, password string) (stored string, err error) {
	if n := utf8.RuneCountInString(password); n < MinPassword || n > MaxPassword || !utf8.ValidString(password) {
		return "", ErrPassword
	}
	salt := make([]byte, saltSize)
	rand.Read(salt)
	err = withTurn(ctx, func() {
		sum := argon2.IDKey([]byte(password), salt, passes, memory, lanes, sumSize)
		stored = fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, passes, lanes,
			base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum))
	})
	return stored, err
}

// matches reports whether a password is the one that stored is of. Its error is about what is stored.
func matches(ctx context.Context, stored, password string) (ok bool, err error) {
	var version int
	var m, t uint32
	var p uint8
	var rest string
	_, err = fmt.Sscanf(stored, "$argon2id$v=%d$m=%d,t=%d,p=%d$%s", &version, &m, &t, &p, &rest)
	if err != nil || version != argon2.Version || m > 1<<20 || t < 1 || t > 100 || p < 1 {
		return false, errors.New("users: a stored password makes no sense")
	}
	salt, sum, err := saltAndSum(rest)
	if err != nil {
		return false, err
	}
	err = withTurn(ctx, func() {
		got := argon2.IDKey([]byte(password), salt, t, m, p, uint32(len(sum)))
		ok = subtle.ConstantTimeCompare(got, sum) == 1
	})
	return ok, err
}

// saltAndSum reads the last two parts of what is stored.
func saltAndSum(s string) (salt, sum []byte, err error) {
	const saltText = (saltSize*8 + 5) / 6
	if len(s) > saltText && s[saltText] == '$' {
		var saltErr, sumErr error
		salt, saltErr = base64.RawStdEncoding.DecodeString(s[:saltText])
		sum, sumErr = base64.RawStdEncoding.DecodeString(s[saltText+1:])
		if errors.Join(saltErr, sumErr) == nil && len(sum) == sumSize {
			return salt, sum, nil
		}
	}
	return nil, nil, errors.New("users: a stored password makes no sense")
}

// nobodys is what the password of somebody who is not there is compared with, so that this takes as long.
var nobodys = fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, passes, lanes,
	base64.RawStdEncoding.EncodeToString(make([]byte, saltSize)), base64.RawStdEncoding.EncodeToString(make([]byte, sumSize)))
