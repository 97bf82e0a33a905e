package publicapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/internal/ask"
	"github.com/latchkey-go/latchkey/internal/fresh"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// Reasons for which Set refuses a role.
var (
	// ErrRole means that the role can't be public: it is the super role, or does not exist.
	ErrRole error = answered{errors.New("publicapi: not a possible public role"), 400, "refused", "This role can't be public."}
	// ErrUnavailable means that there is currently no valid policy.
	ErrUnavailable = errors.New("publicapi: roles are not available")
)

// AlwaysAsk is a Staleness with which the store is asked each time.
const AlwaysAsk time.Duration = -1

// Config configures a [Service]. Store is required, and either Roles or Directory.
type Config struct {
	Store Store
	// Roles do not change. A Directory has roles that change: the service watches it, so that a deleted role closes the
	// public API permanently. Other sources of roles are not accepted, since they can't be watched.
	Roles     *roles.Policy
	Directory *roles.Directory
	// Catalog lists the permissions of the application, and which of them only read. If it is nil, every permission must
	// be acknowledged. Names returns the current values of the {name}s in it, such as {"model": {"pages", "posts"}}; if it
	// is nil, reports show the templates. Package admin uses both.
	Catalog *roles.Catalog
	Names   func(context.Context) (map[string][]string, error)
	// Staleness is the longest time for which the cached setting is used after the store confirmed it. A change on another
	// node acts here within it, and a store that can't be reached causes errors after it. The setting is read at least
	// twice in that time. 0 means 5 seconds. With [AlwaysAsk] the store is asked each time, as a *MemoryStore always is.
	Staleness time.Duration
}

// A Service is a public API whose role can be changed while the program runs. A change acts on the next request on the
// node that made it, and within Config.Staleness on others. It is safe for concurrent use.
//
// A role that is deleted from Config.Directory closes the public API permanently: the service closes the setting in the
// store. If another process deletes a role and saves it again within the directory's staleness, the service can't
// distinguish this from an edit.
type Service struct {
	c            Config
	roles        roles.Source
	directory    *roles.Directory // nil: the roles are fixed
	unwatchRoles func()
	cached       *cached    // nil: the store is asked each time
	deadline     *ask.Limit // with cached, for callers that need the store
	inMemory     bool       // the store is a *MemoryStore
	closed       atomic.Bool

	deleted  atomic.Pointer[map[string]bool] // deleted roles that the store may still name: replaced, never changed
	mu       sync.Mutex                      // guards its replacement
	watchers fresh.Listeners[auth.Change]
}

// New makes a service. It does not touch the store.
func New(c Config) (*Service, error) {
	var mistakes []error
	if ask.IsNil(c.Store) {
		mistakes = append(mistakes, errors.New("publicapi: Config.Store is nil"))
	}
	if (c.Roles == nil) == (c.Directory == nil) {
		mistakes = append(mistakes, errors.New("publicapi: Config needs Roles or Directory, and not both"))
	}
	c.Staleness = cmp.Or(c.Staleness, 5*time.Second)
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
		s.unwatchRoles = s.watchRoles()
	}
	return s, nil
}

// PublicRole implements [auth.Anonymous]. With a Staleness it usually answers from memory, and otherwise within a
// second, even if the store hangs.
func (s *Service) PublicRole(ctx context.Context) (string, error) {
	if s.closed.Load() {
		return "", errClosed
	}
	if s.cached == nil {
		setting, err := s.c.Store.Load(ctx)
		if err != nil {
			return "", err
		}
		return s.effectiveRole(ctx, setting.Role)
	}
	if setting, ok := s.cached.peek(); ok && s.hasEffect(setting.Role) {
		return setting.Role, nil
	}
	return ask.Do(ctx, s.deadline, func(ctx context.Context) (string, error) {
		setting, err := s.cached.load(ctx)
		if err != nil {
			return "", err
		}
		return s.effectiveRole(ctx, setting.Role)
	})
}

// Reload reads the store now and not at the next poll, for a host that learns of a change on another node. When it returns
// nil, the cached setting is as new as the call, or newer. With [AlwaysAsk] it only checks that the store answers.
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

// Close stops the service: PublicRole then returns an error. Close waits until nothing is running, or returns an error if
// ctx is done before. It may be called again.
func (s *Service) Close(ctx context.Context) error {
	if s.closed.CompareAndSwap(false, true) && s.unwatchRoles != nil {
		s.unwatchRoles()
	}
	if s.cached == nil {
		return nil
	}
	if err := s.cached.Close(ctx); err != nil {
		return fmt.Errorf("publicapi: the setting is still being read: %w", err)
	}
	return nil
}

// Current returns the stored setting. If its role was deleted, the public API is closed and Role is "".
func (s *Service) Current(ctx context.Context) (Setting, error) {
	return s.current(ctx, s.roles.Policy)
}

func (s *Service) current(ctx context.Context, currentPolicy func() *roles.Policy) (Setting, error) {
	setting, err := s.c.Store.Load(ctx)
	if err != nil {
		return Setting{}, err
	}
	policy := currentPolicy()
	if policy == nil {
		return Setting{}, ErrUnavailable
	}
	if s.wasDeleted(setting.Role) || !policy.Has(setting.Role) {
		setting.Role = ""
	}
	return setting, nil
}

// Disable closes the public API: callers without a credential get 401. It does not depend on the roles.
func (s *Service) Disable(ctx context.Context, by string) error {
	return s.disable(ctx, by, func(Setting) bool { return true })
}

// disable closes the public API if the stored setting is one that closes selects.
func (s *Service) disable(ctx context.Context, by string, closes func(Setting) bool) error {
	for range attempts {
		stored, err := s.c.Store.Load(ctx)
		if err != nil || !closes(stored) {
			return err
		}
		err = s.c.Store.Save(ctx, Setting{ChangedAt: now(), ChangedBy: by, Revision: stored.Revision})
		if !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return ErrConflict
}

// attempts is how often a write is tried while others change the setting.
const attempts = 16

// now returns the current time as settings have it: UTC, in whole microseconds.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
