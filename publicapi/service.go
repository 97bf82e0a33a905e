package publicapi

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/latchkey-go/latchkey/internal/ask"
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
	// Staleness is how long the setting may be used after the store last confirmed it: the longest time after which
	// a change made on another node holds here, and after which a store that cannot be reached leaves an error. The
	// setting is read more often than twice in that time. 0: the store is asked each time, as a *MemoryStore always
	// is.
	Staleness time.Duration
}

// A Service is a public API whose role can be changed while the program runs. With a zero Config.Staleness it
// asks the store whenever a caller shows no key, so a change acts on the next request on every node. Otherwise it acts
// on the next request on the node that made it, and within that time on others. It may be used concurrently.
//
// A role that is deleted from Config.Directory closes it for good: the service closes the setting in the store. A role
// that another process deletes and saves again within the directory's staleness cannot be told from an edited one.
type Service struct {
	c         Config
	roles     roles.Source
	directory *roles.Directory // nil: the roles are fixed
	unfollow  func()
	keeper    *keeper    // nil: the store is asked each time
	deadline  *ask.Limit // with a keeper, for callers it cannot serve
	inMemory  bool       // the store is a *MemoryStore
	closed    atomic.Bool

	deleted  atomic.Pointer[map[string]bool] // roles that were deleted and that the store may still have: replaced, never changed
	watchers []*watcher                      // replaced, never changed
	mu       sync.Mutex                      // of who replaces them
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
	if c.Staleness < 0 {
		mistakes = append(mistakes, errors.New("publicapi: Config.Staleness is negative"))
	}
	if len(mistakes) > 0 {
		return nil, errors.Join(mistakes...)
	}
	s := &Service{c: c, roles: c.Roles, directory: c.Directory}
	s.deleted.Store(&map[string]bool{})
	s.c.Store = telling{c.Store, s}
	if _, s.inMemory = c.Store.(*MemoryStore); c.Staleness > 0 && !s.inMemory {
		s.keeper = newKeeper(c.Store, c.Staleness)
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
	if s.keeper == nil {
		setting, err := s.c.Store.Load(ctx)
		if err != nil {
			return "", err
		}
		return s.standing(ctx, setting.Role)
	}
	if setting, ok := s.keeper.peek(); ok && s.stands(setting.Role) {
		return setting.Role, nil
	}
	return ask.Do(ctx, s.deadline, func(ctx context.Context) (string, error) {
		setting, err := s.keeper.load(ctx)
		if err != nil {
			return "", err
		}
		return s.standing(ctx, setting.Role)
	})
}

// Reload has the store asked at once instead of at the next poll, as a host wants it that hears of a change
// elsewhere. When it returns nil, what is kept is the setting as it was when Reload was called, or later. With a zero
// Staleness nothing is kept, and it only tells whether the store answers.
func (s *Service) Reload(ctx context.Context) error {
	if s.closed.Load() {
		return errClosed
	}
	s.changed()
	if s.keeper == nil {
		_, err := s.c.Store.Load(ctx)
		return err
	}
	_, err := s.keeper.load(ctx)
	return err
}

// Close ends following roles and setting: PublicRole answers an error from then on. It waits until that is over or
// ctx is done, which is an error. It may be called again.
func (s *Service) Close(ctx context.Context) error {
	if s.closed.CompareAndSwap(false, true) && s.unfollow != nil {
		s.unfollow()
	}
	return s.keeper.close(ctx)
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
