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

// A StateError refuses a key because of its record's state. It has the record's ID for logs. It wraps [ErrExpired],
// [ErrDisabled] or [ErrInvalidated], whose text it has.
type StateError struct {
	ID string // of the record; not a secret
	error
}

// Unwrap returns the error that e wraps.
func (e *StateError) Unwrap() error { return e.error }

// Errors of management operations and stores. They say nothing about a credential.
var (
	ErrNotFound = errors.New("keys: no such record")
	ErrExists   = errors.New("keys: already exists")
	// ErrConflict means that the record was changed since it was read: read it again.
	ErrConflict = errors.New("keys: record was changed meanwhile")
	// ErrRefused means that the call asked for something that is not allowed: the text says what.
	ErrRefused = errors.New("keys: refused")
	// ErrClosed means that the ring was closed, or never opened.
	ErrClosed = errors.New("keys: ring is closed")
	// ErrStore means that a store failed, hung or returned a corrupt record. It never means that a key is not valid.
	ErrStore = errors.New("keys: store error")
)
