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
	ChangedBy string // who did it, in the host's words
	Revision  Revision
}

// A Revision names one state of the setting: a Number, which grows by one with each change, and a Tag, which is drawn at
// random for each change. Revisions are compared as pairs. The zero Revision is that of a setting that was never saved.
// Next returns the revision of a change that follows.
type Revision = fresh.Revision

// ErrConflict means that somebody else changed the setting in between: read it again.
var ErrConflict = errors.New("publicapi: changed by somebody else")

// A Store keeps one [Setting]. Its methods may be called concurrently, should give up when ctx is done (with
// an error that wraps ctx's), and must do nothing when ctx was done before they began. An error that does not
// wrap [ErrConflict] means that the store itself is in trouble; callers without a key then get 503.
//
// The suite in publicapitest checks each of these promises.
type Store interface {
	// Load returns the setting as it was last saved: the zero Setting if it never was.
	Load(ctx context.Context) (Setting, error)

	// Save writes s, durably, if the stored Revision equals s.Revision: that of the setting that the change is based
	// on. The stored setting then has the next Number and a new Tag. Otherwise Save returns an error wrapping
	// [ErrConflict] and changes nothing. Of concurrent calls with one Revision exactly one succeeds. Times are given in
	// UTC with whole microseconds. They come back as the same instants, in UTC, and texts come back byte for byte.
	Save(ctx context.Context, s Setting) error
}

// A MemoryStore keeps the setting in memory: for tests, and for programs that open the public API at start.
// The zero MemoryStore is ready to use, and closed.
type MemoryStore struct {
	mu      sync.Mutex
	setting Setting
}

// NewMemoryStore returns a store in which nothing was ever saved: the public API is closed.
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
