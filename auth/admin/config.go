package admin

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// Config says what a [Service] manages. Keys, Roles, RoleStore, Guard and Audit are required.
type Config struct {
	Keys  *keys.Ring
	Audit audit.Log
	// Guard tells who the caller is, and the caller's address for the audit log.
	Guard *auth.Guard

	// Roles follows the roles in RoleStore, which is where they are changed.
	Roles     *roles.Directory
	RoleStore roles.Store

	// Public is the setting of the public API. Nil: it is not managed here.
	Public *publicapi.Service
	// Users are the owners of user keys. Nil: only their own keys can be managed, by themselves.
	Users Users
	// DropRole removes a role that is being deleted from all users who have it, as part of [Config.InTx]. Nil: they keep
	// the appid of a deleted role, and get the rights of any role that is saved under it later.
	DropRole func(ctx context.Context, appid string) error
	// Catalog lists the permissions that the application knows; see [roles.Catalog]. Names returns the values of the
	// {name}s in it, such as {"model": {"pages", "posts"}}. Both may be nil. With Public both must be nil: its catalog
	// and its names are used.
	Catalog *roles.Catalog
	Names   func(context.Context) (map[string][]string, error)
	// Routes are the routes that reports list. Nil: Guard.Routes.
	Routes func() []auth.Route

	// InTx runs one change in one transaction over all stores above, such as sqlstore's InTx: nothing else changes
	// roles, keys or the public API meanwhile, and if f returns an error everything is rolled back. It may call f more
	// than once. Nil is for stores in memory: changes of this Service run one at a time, and a failing step does not roll
	// back the steps before it; the audit log comes last.
	InTx func(ctx context.Context, f func(ctx context.Context) error) error
	// Timeout is how long one operation may take. 0 means ten seconds.
	Timeout time.Duration
}

// A Service manages keys, roles and the public API. Make it with [New]. It may be used concurrently.
type Service struct {
	cfg      Config                       // with its defaults
	keyLike  *regexp.Regexp               // finds possible keys of the ring, also in the middle of a word
	compiled atomic.Pointer[roles.Policy] // the stored roles that were compiled last
}

// New makes a service. Its error lists every mistake in c at once. It does not touch the stores.
func New(c Config) (*Service, error) {
	var mistakes []error
	mistake := func(made bool, text string) {
		if made {
			mistakes = append(mistakes, errors.New("admin: Config."+text))
		}
	}
	mistake(c.Keys == nil, "Keys is nil")
	mistake(c.Roles == nil, "Roles is nil")
	mistake(c.RoleStore == nil, "RoleStore is nil")
	mistake(c.Guard == nil, "Guard is nil")
	mistake(c.Audit == nil, "Audit is nil")
	mistake(c.Timeout < 0, "Timeout is below zero")
	mistake(c.Public != nil && (c.Catalog != nil || c.Names != nil),
		"Catalog or Config.Names is set beside Config.Public: set them in publicapi.Config alone")
	if len(mistakes) > 0 {
		return nil, errors.Join(mistakes...)
	}
	if c.Public != nil {
		c.Catalog, c.Names = c.Public.Catalog()
	}
	c.Timeout = cmp.Or(c.Timeout, 10*time.Second)
	if c.InTx == nil {
		c.InTx = oneByOne()
	}
	if c.Routes == nil {
		c.Routes = c.Guard.Routes
	}
	keyLike, err := regexp.Compile(strings.ReplaceAll(c.Keys.Format().Pattern(), `\b`, ""))
	if err != nil {
		return nil, err
	}
	return &Service{cfg: c, keyLike: keyLike}, nil
}

// Config returns the configuration with its defaults, for handlers that serve s. The parts in it check no permissions.
func (s *Service) Config() Config { return s.cfg }

// read calls f, which only reads, within the time of one operation. refused is why the caller may not, or nil.
func read[T any](ctx context.Context, s *Service, refused error, f func(context.Context) (T, error)) (T, error) {
	if refused != nil {
		return *new(T), refused
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	value, err := f(ctx)
	return value, translate(err)
}

// oneByOne is Config.InTx for stores in memory.
func oneByOne() func(context.Context, func(context.Context) error) error {
	turn := make(chan struct{}, 1)
	return func(ctx context.Context, f func(context.Context) error) error {
		select {
		case turn <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		defer func() { <-turn }()
		if err := ctx.Err(); err != nil {
			return err
		}
		return f(ctx)
	}
}

// peerKey is the context key of the peer's address.
type peerKey struct{}

// Context returns r's context with the peer's address, for the audit log. Handlers of the host pass it
// to a Service.
func (s *Service) Context(r *http.Request) context.Context {
	addr := s.cfg.Guard.ClientAddr(r)
	if !addr.IsValid() {
		return r.Context()
	}
	return context.WithValue(r.Context(), peerKey{}, addr.String())
}
