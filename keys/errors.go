package keys

import (
	"errors"
	"fmt"
)

// Reasons to refuse a credential. All wrap [ErrInvalid]: test for ErrInvalid where the client must not learn the reason,
// and log the error itself. No text quotes a key.
var (
	ErrInvalid     = errors.New("keys: invalid key")
	ErrMalformed   = fmt.Errorf("%w: malformed", ErrInvalid)   // wrong shape, length or checksum
	ErrUnknown     = fmt.Errorf("%w: unknown", ErrInvalid)     // never issued, refreshed since, or of another space
	ErrExpired     = fmt.Errorf("%w: expired", ErrInvalid)     // its ExpiresAt has passed
	ErrDisabled    = fmt.Errorf("%w: disabled", ErrInvalid)    // until Enable
	ErrInvalidated = fmt.Errorf("%w: invalidated", ErrInvalid) // permanently
)

// A stateError is ErrExpired, ErrDisabled or ErrInvalidated with the ID of the record.
type stateError struct {
	id string
	error
}

func (e *stateError) Unwrap() error { return e.error }

// RefusedID returns the ID of the record, for logs, if err refuses a key because of the state of its record; otherwise "".
func RefusedID(err error) string {
	if e, ok := errors.AsType[*stateError](err); ok {
		return e.id
	}
	return ""
}

// Errors of management operations and stores. They say nothing about a credential. auth.Guard.Refuse answers the first
// four as they say.
var (
	ErrNotFound error = answered{errors.New("keys: no such record"), 404, "not_found", "There is no such key."}
	ErrExists   error = answered{errors.New("keys: already exists"), 409, "conflict", "There is such a key already."}
	// ErrConflict means that the record was changed since it was read: read it again.
	ErrConflict error = answered{errors.New("keys: record was changed meanwhile"), 409, "conflict", "The key was changed meanwhile: read it again."}
	// ErrRefused means that the call asked for something that is not allowed: the text says what.
	ErrRefused error = answered{errors.New("keys: refused"), 400, "refused", "A key can't be like that."}
	// ErrClosed means that the ring was closed, or never opened.
	ErrClosed = errors.New("keys: ring is closed")
	// ErrStore means that a store failed, hung or returned a corrupt record. It never means that a key is not valid.
	ErrStore = errors.New("keys: store error")
)

// An answered error says how HTTP answers it: with a status, a code for logs and a sentence for the client.
type answered struct {
	error
	status       int
	code, detail string
}

// Answer implements what auth.Guard.Refuse asks of an error.
func (e answered) Answer() (status int, code, detail string) { return e.status, e.code, e.detail }
