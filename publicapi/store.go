package publicapi

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/latchkey-go/latchkey/internal/fresh"
)

// A Setting is the state of the public API. The zero Setting is closed.
type Setting struct {
	Role      string // appid; "" is closed
	ChangedAt time.Time
	ChangedBy string // the host's name for the operator
	Revision  Revision
}

// A Revision names one state of the setting: a Number, which grows by one with each change, and a Tag, which is random for
// each change. Revisions are compared as pairs. The zero Revision is that of a setting that was never saved. Next returns a
// revision for the next change.
type Revision = fresh.Revision

// ErrConflict means that the setting was changed since it was read: read it again.
var ErrConflict error = answered{errors.New("publicapi: setting was changed meanwhile"), 409, "conflict", "It was changed meanwhile: read it again."}

// An answered error says how HTTP answers it: with a status, a code for logs and a sentence for the client.
type answered struct {
	error
	status       int
	code, detail string
}

// Answer implements what auth.Guard.Refuse asks of an error.
func (e answered) Answer() (status int, code, detail string) { return e.status, e.code, e.detail }

// A Store holds one [Setting]. Its methods may be called concurrently, should give up when ctx is done (with
// an error that wraps ctx's), and must do nothing when ctx was done before they began. An error that does not
// wrap [ErrConflict] is a store error; callers without a key then get 503.
//
// The suite in publicapitest checks each of these promises.
type Store interface {
	// Load returns the last saved setting, or the zero Setting if none was saved.
	Load(ctx context.Context) (Setting, error)

	// Save writes s, durably, if the stored Revision equals s.Revision, which is that of the setting before the
	// change. The stored setting then has the next Number and a new Tag. Otherwise Save returns an error wrapping
	// [ErrConflict] and changes nothing. Of concurrent calls with one Revision exactly one succeeds. Times are in UTC
	// with whole microseconds. Load returns the same instants, in UTC, and the same bytes of texts.
	Save(ctx context.Context, s Setting) error
}

// A MemoryStore holds the setting in memory, for tests and for programs that open the public API at start.
// The zero MemoryStore is ready to use, and closed.
type MemoryStore struct {
	mu      sync.Mutex
	setting Setting
}

// NewMemoryStore returns an empty store: the public API is closed.
func NewMemoryStore() *MemoryStore { return new(MemoryStore) }

// Load implements [Store].
func (m *MemoryStore) Load(ctx context.Context) (Setting, error) {
	if err := ctx.Err(); err != nil {
		return Setting{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.setting, nil
}

// Save implements [Store].
func (m *MemoryStore) Save(ctx context.Context, s Setting) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.setting.Revision != s.Revision {
		return ErrConflict
	}
	s.Revision = s.Revision.Next()
	m.setting = s
	return nil
}
