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

// The errors of operations. An error that wraps none of these is an *[auth.Refusal], [roles.ErrBudget], a
// *[publicapi.UnconfirmedError], or a store error. After an error nothing was done, unless the commit itself failed.
var (
	// ErrForbidden means that the caller may not do this; it is an *[Error].
	ErrForbidden = errors.New("admin: not permitted")
	// ErrInput means that an argument is not valid; it is an *[Error].
	ErrInput = errors.New("admin: invalid input")
	// ErrNotFound means that there is no such key, user or role.
	ErrNotFound error = answered{errors.New("admin: not found"), 404, "not_found", "There is no such key, user or role, or it is not managed here."}
	// ErrConflict means that the stored state does not allow this: a key was invalidated or refreshed meanwhile, a user
	// has a key already, an appid is taken, other roles inherit from a role, a role is in use.
	ErrConflict error = answered{errors.New("admin: conflict"), 409, "conflict", "The present state does not allow this."}
	// ErrChanged means that the object no longer has the revision that the caller requires.
	ErrChanged error = answered{errors.New("admin: changed since it was read"), 412, "conflict", "It has changed since it was read."}
)

// An answered error says how HTTP answers it: with a status, a code for logs and a sentence for the client.
type answered struct {
	error
	status       int
	code, detail string
}

// Answer implements what auth.Guard.Refuse asks of an error.
func (e answered) Answer() (status int, code, detail string) { return e.status, e.code, e.detail }

// An Error is the part of an operation's error that says what the caller can do about it. It never quotes a key.
type Error struct {
	Err error // [ErrForbidden], [ErrInput] or [ErrConflict]

	// Text is the end of a sentence: about Field if Err is ErrInput, else the reason.
	Text  string
	Field string // as the JSON API names it; "" is the body or the query as a whole

	// Missing are the permissions, or patterns of them, that the caller lacks: for the operation, or of the access that
	// it would grant.
	Missing []string

	// Usage is set if a role is in use, and the caller has not confirmed what its deletion changes.
	Usage *Usage
}

// Error says what is wrong.
func (e *Error) Error() string {
	text := "admin: " + e.Text
	switch {
	case e.Err == ErrForbidden:
		text = "admin: not permitted: " + e.Text
	case e.Field != "":
		text = "admin: " + e.Field + " " + e.Text
	}
	if len(e.Missing) > 0 {
		text += ": " + strings.Join(e.Missing, ", ")
	}
	return text
}

// Answer says how HTTP answers it; see auth.Guard.Refuse.
func (e *Error) Answer() (status int, code, detail string) {
	switch e.Err {
	case ErrForbidden:
		status, code = http.StatusForbidden, string(auth.ReasonNotGranted)
	case ErrInput:
		status, code = http.StatusBadRequest, "refused"
	default:
		status, code = http.StatusConflict, "conflict"
	}
	return status, code, strings.TrimPrefix(e.Error(), "admin: ") + "."
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

func forbidden(text string, missing ...string) *Error {
	return &Error{Err: ErrForbidden, Text: text, Missing: missing}
}

func badInput(field, text string) *Error { return &Error{Err: ErrInput, Field: field, Text: text} }

var (
	errUnauthenticated = &auth.Refusal{Status: http.StatusUnauthorized, Reason: auth.ReasonMissingKey} // the caller is not authenticated
	errGone            = &auth.Refusal{Status: http.StatusUnauthorized, Reason: auth.ReasonInvalidKey} // the caller's key or user ended since
	errOldValue        = forbidden("this is the old value of a key that was refreshed: it may be used until it ends, " +
		"but manages nothing; use the new value or, if it is lost, have an operator refresh the key again")
	errNoPolicy = errors.New("admin: no current roles are known")
)

func lacks(permission string) error {
	return forbidden("the permission is missing", permission)
}

// translate turns errors of the packages below into those of this one. It leaves store errors unchanged.
func translate(err error) error {
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, keys.ErrStore):
		return err
	case errors.Is(err, keys.ErrNotFound), errors.Is(err, roles.ErrNotFound), errors.Is(err, auth.ErrNoUser):
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	case errors.Is(err, keys.ErrConflict), errors.Is(err, keys.ErrExists), errors.Is(err, keys.ErrInvalidated),
		errors.Is(err, keys.ErrExpired), errors.Is(err, roles.ErrConflict), errors.Is(err, publicapi.ErrConflict):
		return fmt.Errorf("%w: %w", ErrConflict, err)
	case errors.Is(err, publicapi.ErrRole):
		return badInput("role", "can never be public: it is the super role, or there is no such role")
	}
	return err
}
