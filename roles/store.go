package roles

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/latchkey-go/latchkey/internal/fresh"
)

// Errors that a [Store] wraps and a [Directory] returns. Any other error of a store is a store error.
var (
	// ErrNotFound: there is no role with this appid.
	ErrNotFound error = answered{errors.New("roles: no such role"), 404, "not_found", "There is no such role."}
	// ErrConflict: the roles have changed since the revision that the change was made for.
	ErrConflict error = answered{errors.New("roles: changed in the meantime"), 409, "conflict", "The roles were changed meanwhile: read them again."}
)

// An answered error says how HTTP answers it: with a status, a code for logs and a sentence for the client.
type answered struct {
	error
	status       int
	code, detail string
}

// Answer implements what auth.Guard.Refuse asks of an error.
func (e answered) Answer() (status int, code, detail string) { return e.status, e.code, e.detail }

func notFound(appid string) error { return fmt.Errorf("%w: %s", ErrNotFound, quote(appid)) }

// A Revision names one state of the stored roles: a Number, which grows with each change, and a Tag, which is drawn at
// random for each change. Revisions are compared as pairs. Next returns the revision of a change that follows.
type Revision = fresh.Revision

// A Store keeps roles. It stores what it is given and judges nothing: whether roles make sense together is
// checked by a [Directory] before it saves them.
//
// Its methods may be called concurrently, should give up when ctx is done (with an error that wraps ctx's), and
// must do nothing when ctx was done before they began. They copy their arguments and results: a caller cannot change
// a stored role by changing a map or a slice. Appids are compared byte by byte: "A" is not
// "a" and "a " is not "a". Nil and empty permissions are the same, and so are nil and empty inherits.
//
// The suite in rolestest checks each of these promises.
type Store interface {
	// Load returns all roles, in any order, and the revision they have, as one consistent snapshot. No roles
	// are an empty list and no error.
	Load(ctx context.Context) (rs []Role, revision Revision, err error)

	// Revision returns the current revision. Each change gives the store one with a greater Number and a new Tag, so
	// that a store that was restored from a backup never repeats a pair. It is asked often and should be cheap.
	Revision(ctx context.Context) (Revision, error)

	// Save adds role, or puts it in the place of the one with exactly its appid, if the store still has this
	// revision; otherwise it returns an error wrapping [ErrConflict] and stores nothing. Of concurrent changes
	// for one revision exactly one succeeds. When it returns nil the change is durable.
	Save(ctx context.Context, role Role, revision Revision) error

	// Delete drops the role with exactly this appid under the same condition. It returns an error wrapping
	// [ErrNotFound] if the store has this revision and there is no such role.
	Delete(ctx context.Context, appid string, revision Revision) error
}

// A MemoryStore is a [Store] that forgets everything at the end of the process. It serves tests, examples and
// hosts whose roles are written in the program.
type MemoryStore struct {
	mu       sync.RWMutex
	roles    map[string]Role
	revision Revision
}

// NewMemoryStore returns a store that holds copies of these roles. Of several with one appid the last stays.
func NewMemoryStore(rs ...Role) *MemoryStore {
	s := &MemoryStore{roles: make(map[string]Role, len(rs))}
	for _, role := range rs {
		s.roles[role.AppID] = role.clone()
		s.revision = s.revision.Next()
	}
	return s
}

// Load implements [Store].
func (s *MemoryStore) Load(ctx context.Context) ([]Role, Revision, error) {
	if err := ctx.Err(); err != nil {
		return nil, Revision{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	rs := make([]Role, 0, len(s.roles))
	for _, role := range s.roles {
		rs = append(rs, role.clone())
	}
	return rs, s.revision, nil
}

// Revision implements [Store].
func (s *MemoryStore) Revision(ctx context.Context) (Revision, error) {
	if err := ctx.Err(); err != nil {
		return Revision{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.revision, nil
}

// Save implements [Store].
func (s *MemoryStore) Save(ctx context.Context, role Role, revision Revision) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if revision != s.revision {
		return ErrConflict
	}
	s.roles[role.AppID] = role.clone()
	s.revision = s.revision.Next()
	return nil
}

// Delete implements [Store].
func (s *MemoryStore) Delete(ctx context.Context, appid string, revision Revision) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if revision != s.revision {
		return ErrConflict
	}
	if _, ok := s.roles[appid]; !ok {
		return notFound(appid)
	}
	delete(s.roles, appid)
	s.revision = s.revision.Next()
	return nil
}
