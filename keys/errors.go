package keys

import (
	"errors"
	"fmt"
)

// Why a presented key is refused. All of them wrap [ErrInvalid], so that one test serves a caller who must
// not learn more, while a log line still knows which. None of their texts ever quotes a key.
var (
	ErrInvalid     = errors.New("keys: invalid key")
	ErrMalformed   = fmt.Errorf("%w: malformed", ErrInvalid)   // wrong shape, length or checksum
	ErrUnknown     = fmt.Errorf("%w: unknown", ErrInvalid)     // never issued, refreshed since, or of another space
	ErrExpired     = fmt.Errorf("%w: expired", ErrInvalid)     // its time is over
	ErrDisabled    = fmt.Errorf("%w: disabled", ErrInvalid)    // paused; see Enable
	ErrInvalidated = fmt.Errorf("%w: invalidated", ErrInvalid) // ended for good
)

// A StateError refuses a key for the state of its record, and says which record that is, so that a log line can
// lead to it. Its text is that of Err.
type StateError struct {
	ID  string // of the record; not a secret
	Err error  // [ErrExpired], [ErrDisabled] or [ErrInvalidated]
}

// Error returns the text of Err.
func (e *StateError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *StateError) Unwrap() error { return e.Err }

// What management operations and stores answer. They say nothing about a presented key.
var (
	ErrNotFound = errors.New("keys: no such record")
	ErrExists   = errors.New("keys: already exists")
	// ErrConflict means that somebody else changed the record in between: read it again.
	ErrConflict = errors.New("keys: changed by somebody else")
	// ErrRefused means that the caller asked for something that is never done: the text says what.
	ErrRefused = errors.New("keys: refused")
	// ErrClosed is answered by a ring after Close.
	ErrClosed = errors.New("keys: ring is closed")
	// ErrStore marks that a store failed, hung or answered nonsense. It is never a verdict on a key.
	ErrStore = errors.New("keys: store in trouble")
)
