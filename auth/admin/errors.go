package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// What operations answer. An error that wraps none of these is an *[auth.Refusal] for a caller who is nobody,
// or trouble with a store; then nothing was done, unless the commit itself failed.
var (
	// ErrForbidden means that the caller may not do this; it is a *[ForbiddenError].
	ErrForbidden = errors.New("admin: not permitted")
	// ErrNotFound means that there is no such key, user or role.
	ErrNotFound = errors.New("admin: not found")
	// ErrConflict means that the state of things does not allow this: a key was invalidated or refreshed
	// meanwhile, a user has a key already, an appid is taken, others inherit from a role.
	ErrConflict = errors.New("admin: conflict")
	// ErrChanged means that the caller asked for a change of another revision than the present one.
	ErrChanged = errors.New("admin: changed since it was read")
)

// A ForbiddenError says what the caller lacks.
type ForbiddenError struct {
	// Missing are the permissions, or patterns of them, that the caller would need: the one for the operation, or
	// those that would be handed out and are not held.
	Missing []string
	Text    string // why, as the end of a sentence
}

// Error says what is forbidden and why.
func (e *ForbiddenError) Error() string {
	text := "admin: not permitted: " + e.Text
	if len(e.Missing) > 0 {
		text += ": " + strings.Join(e.Missing, ", ")
	}
	return text
}

// Unwrap returns [ErrForbidden].
func (e *ForbiddenError) Unwrap() error { return ErrForbidden }

// An InputError says what is wrong with what was asked for. Its text is for the caller and quotes at most a grant.
type InputError struct {
	Field string // as the JSON API names it
	Text  string // the end of a sentence about the field
}

// Error names the field and says what is wrong.
func (e *InputError) Error() string {
	if e.Field == "" { // the body or the query as a whole
		return "admin: " + e.Text
	}
	return "admin: " + e.Field + " " + e.Text
}

// A UsageError means that a role is in use, and that the caller has not confirmed what its deletion touches.
type UsageError struct{ Usage Usage }

// Error says so.
func (e *UsageError) Error() string {
	return fmt.Sprintf("admin: role %q is in use: its deletion has to be confirmed", e.Usage.Role)
}

// Unwrap returns [ErrConflict].
func (e *UsageError) Unwrap() error { return ErrConflict }

var (
	errNobody   = &auth.Refusal{Status: http.StatusUnauthorized, Reason: auth.ReasonMissingKey} // the caller is not authenticated
	errGone     = &auth.Refusal{Status: http.StatusUnauthorized, Reason: auth.ReasonInvalidKey} // the caller's key or user ended since
	errOldValue = &ForbiddenError{Text: "this is the old value of a key that was refreshed: it may be used until it ends, " +
		"but manages nothing; use the new value or, if it is lost, have an operator refresh the key again"}
	errNoPolicy = errors.New("admin: the roles cannot be vouched for now")
)

func lacks(permission string) error {
	return &ForbiddenError{[]string{permission}, "the permission is missing"}
}

// plainly turns what the packages below say into the errors of this one. Trouble stays what it is.
func plainly(err error) error {
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, keys.ErrStore):
		return err
	case errors.Is(err, keys.ErrNotFound), errors.Is(err, roles.ErrNotFound), errors.Is(err, auth.ErrNoUser):
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	case errors.Is(err, keys.ErrConflict), errors.Is(err, keys.ErrExists), errors.Is(err, keys.ErrInvalidated),
		errors.Is(err, keys.ErrExpired), errors.Is(err, roles.ErrConflict), errors.Is(err, publicapi.ErrConflict):
		return fmt.Errorf("%w: %w", ErrConflict, err)
	case errors.Is(err, publicapi.ErrRole):
		return &InputError{"role", "can never be public: it is the super role, or there is no such role"}
	}
	return err
}
