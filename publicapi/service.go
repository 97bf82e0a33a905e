package publicapi

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/internal/ask"
	"github.com/latchkey-go/latchkey/internal/fresh"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// Why Set refuses a role.
var (
	// ErrRole means that the role can never be public: it is the super role, or does not exist.
	ErrRole = errors.New("publicapi: not a possible public role")
	// ErrUnavailable means that there is no valid policy now.
	ErrUnavailable = errors.New("publicapi: roles are not available")
)

// AlwaysAsk is a Staleness with which the store is asked each time.
const AlwaysAsk time.Duration = -1

// Config says what a [Service] is made of. Store is required, and either Roles or Directory.
type Config struct {
	Store Store
	// Roles are fixed. Directory has roles that change: the service watches it, so that a deleted role closes the
	// public API for good. No other source of roles will do, since it could not be watched.
	Roles     *roles.Policy
	Directory *roles.Directory
	// Catalog lists the permissions of the application, and which of them only read. Nil: everything has to be
	// acknowledged. Names returns the current values of the {name}s in it, such as {"model": {"pages", "posts"}}; nil:
	// templates stay templates. Package admin takes both from here.
	Catalog *roles.Catalog
	Names   func(context.Context) (map[string][]string, error)
	// Staleness is how long the setting may be used after the store last confirmed it: the longest time after which a
	// change made on another node holds here, and after which a store that cannot be reached leaves an error. The
	// setting is read at least twice in that time. 0 means 5 seconds. With [AlwaysAsk] the store is asked each time, as a
	// *MemoryStore always is.
	Staleness time.Duration
}

// A Service is a public API whose role can be changed while the program runs. A change acts on the next request on the
// node that made it, and within Config.Staleness on others. It is safe for concurrent use.
//
// A role that is deleted from Config.Directory closes it for good: the service closes the setting in the store. A role
// that another process deletes and saves again within the directory's staleness cannot be told from an edited one.
type Service struct {
	c         Config
	roles     roles.Source
	directory *roles.Directory // nil: the roles are fixed
	unfollow  func()
	cached    *cached    // nil: the store is asked each time
	deadline  *ask.Limit // with cached, for callers it cannot serve
	inMemory  bool       // the store is a *MemoryStore
	closed    atomic.Bool

	deleted  atomic.Pointer[map[string]bool] // roles that were deleted and that the store may still have: replaced, never changed
	mu       sync.Mutex                      // for replacing it
	watchers fresh.Listeners[auth.Change]
}

// New makes a service. It does not touch the store.
func New(c Config) (*Service, error) {
	var mistakes []error
	if isNil(c.Store) {
		mistakes = append(mistakes, errors.New("publicapi: Config.Store is nil"))
	}
	if (c.Roles == nil) == (c.Directory == nil) {
		mistakes = append(mistakes, errors.New("publicapi: Config needs Roles, if they are fixed, or Directory, and not both"))
	}
	if c.Staleness == 0 {
		c.Staleness = 5 * time.Second
	}
	if c.Staleness < 0 && c.Staleness != AlwaysAsk {
		mistakes = append(mistakes, errors.New("publicapi: Config.Staleness is negative"))
	}
	if len(mistakes) > 0 {
		return nil, errors.Join(mistakes...)
	}
	s := &Service{c: c, roles: c.Roles, directory: c.Directory}
	s.deleted.Store(&map[string]bool{})
	s.c.Store = notifyingStore{c.Store, s}
	if _, s.inMemory = c.Store.(*MemoryStore); c.Staleness != AlwaysAsk && !s.inMemory {
		s.cached = newCached(c.Store, c.Staleness)
		s.deadline = ask.New(keys.ErrStore, readTimeout, maxWaiting)
	}
	if s.directory != nil {
		s.roles = s.directory
		s.unfollow = s.follow()
	}
	return s, nil
}

// isNil sees through an interface that holds a nil pointer.
func isNil(v any) bool {
	r := reflect.ValueOf(v)
	return !r.IsValid() || r.Kind() == reflect.Pointer && r.IsNil()
}

// PublicRole implements [auth.Anonymous]. With a Staleness it mostly answers from memory, and otherwise within a
// second, whatever the store does.
func (s *Service) PublicRole(ctx context.Context) (string, error) {
	if s.closed.Load() {
		return "", errClosed
	}
	if s.cached == nil {
		setting, err := s.c.Store.Load(ctx)
		if err != nil {
			return "", err
		}
		return s.standing(ctx, setting.Role)
	}
	if setting, ok := s.cached.peek(); ok && s.stands(setting.Role) {
		return setting.Role, nil
	}
	return ask.Do(ctx, s.deadline, func(ctx context.Context) (string, error) {
		setting, err := s.cached.load(ctx)
		if err != nil {
			return "", err
		}
		return s.standing(ctx, setting.Role)
	})
}

// Reload asks the store at once instead of at the next poll, for a host that hears of a change elsewhere. When it returns
// nil, the cached setting is that of when Reload was called, or later. With [AlwaysAsk] it only tells whether the store
// answers.
func (s *Service) Reload(ctx context.Context) error {
	if s.closed.Load() {
		return errClosed
	}
	s.changed()
	if s.cached == nil {
		_, err := s.c.Store.Load(ctx)
		return err
	}
	_, err := s.cached.load(ctx)
	return err
}

// Close ends following roles and setting: PublicRole answers an error from then on. It waits until that is over or
// ctx is done, which is an error. It may be called again.
func (s *Service) Close(ctx context.Context) error {
	if s.closed.CompareAndSwap(false, true) && s.unfollow != nil {
		s.unfollow()
	}
	return s.cached.close(ctx)
}

// Current returns the setting as it is stored. Its role may have been deleted since: then the public API is
// closed, and Role is "".
func (s *Service) Current(ctx context.Context) (Setting, error) {
	return s.current(ctx, s.roles.Policy)
}

func (s *Service) current(ctx context.Context, policyNow func() *roles.Policy) (Setting, error) {
	setting, err := s.c.Store.Load(ctx)
	if err != nil {
		return Setting{}, err
	}
	policy := policyNow()
	if policy == nil {
		return Setting{}, ErrUnavailable
	}
	if s.wasDeleted(setting.Role) || !policy.Has(setting.Role) {
		setting.Role = ""
	}
	return setting, nil
}

// Disable closes the public API: callers who show nothing get 401. It always works, whatever the roles say.
func (s *Service) Disable(ctx context.Context, by string) error {
	for range attempts {
		was, err := s.c.Store.Load(ctx)
		if err != nil {
			return err
		}
		err = s.c.Store.Save(ctx, Setting{ChangedAt: now(), ChangedBy: by, Revision: was.Revision})
		if !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return ErrConflict
}

// attempts bounds how often a write that met another one is tried again.
const attempts = 16

// now is the time as it is stored.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
