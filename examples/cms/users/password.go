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

// The cost of a password: argon2id with 19 MiB, two passes and one lane, as in the OWASP Password Storage Cheat
// Sheet. Each stored password names its own parameters, so these can grow.
const (
	memory   = 19 << 10 // KiB
	passes   = 2
	lanes    = 1
	saltSize = 16 // bytes
	sumSize  = 32 // bytes
)

// The bounds of a password, in characters. The lower one is NIST SP 800-63B's for a password alone. The upper one
// bounds new passwords; the size of the form bounds a password at the sign-in.
const (
	MinPassword = 15
	MaxPassword = 256
)

// ErrPassword means that the password is too short, too long, or not text.
var ErrPassword = fmt.Errorf("users: a password has %d to %d characters", MinPassword, MaxPassword)

// working bounds how many passwords are hashed at once, and with them the memory.
var working = make(chan struct{}, max(2, runtime.GOMAXPROCS(0)))

// waiting bounds how many are hashed or wait. Each takes about 20 ms; a request that would wait for seconds gets an
// error at once.
var waiting = make(chan struct{}, 128)

var errBusy = errors.New("users: too many passwords at once")

// withTurn runs f, which hashes a password, when fewer than the limit are running.
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

// NewPassword returns a random password of 130 bits.
func NewPassword() string { return rand.Text() }

// digest returns the stored form of a password, in the PHC string format.
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

// matches reports whether a password matches a stored one. Its error means that the stored one is corrupt, or that
// ctx has ended.
func matches(ctx context.Context, stored, password string) (ok bool, err error) {
	var version int
	var m, t uint32
	var p uint8
	var rest string
	_, err = fmt.Sscanf(stored, "$argon2id$v=%d$m=%d,t=%d,p=%d$%s", &version, &m, &t, &p, &rest)
	if err != nil || version != argon2.Version || m > 1<<20 || t < 1 || t > 100 || p < 1 {
		return false, errors.New("users: a stored password is corrupt")
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

// saltAndSum reads the last two parts of a stored password.
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
	return nil, nil, errors.New("users: a stored password is corrupt")
}

// unusable stands for the stored password of an unknown user, so that the comparison takes as long.
var unusable = fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, passes, lanes,
	base64.RawStdEncoding.EncodeToString(make([]byte, saltSize)), base64.RawStdEncoding.EncodeToString(make([]byte, sumSize)))
