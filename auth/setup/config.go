package setup

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// Config describes an installation. Every zero value is the strict choice.
type Config struct {
	// DB is a database of this Dialect, which Open migrates; the host opens and closes it. Store is one that is open
	// already, with options of its own. Neither: everything is kept in memory.
	DB      *sql.DB
	Dialect sqlstore.Dialect
	Store   *sqlstore.Store

	// Users are the host's users, the owners of user keys. Nil: there are custom keys only. The guard caches them for
	// Staleness if there is a database. Management reads them in its transaction; see [sqlstore.ExecutorFrom].
	Users auth.Users
	// ListUsers lists them for management; see [admin.Users]. Nil: users manage their own keys only.
	ListUsers func(context.Context, admin.UserFilter) ([]auth.User, error)
	// DropRole is [admin.Config.DropRole].
	DropRole func(ctx context.Context, appid string) error
	// SignedIn is [auth.Config.SignedIn]: who is signed in to the host. The console needs it.
	SignedIn func(*http.Request) (userID string, err error)

	// Catalog and Names are the permissions of the application; see [publicapi.Config].
	Catalog *roles.Catalog
	Names   func(context.Context) (map[string][]string, error)

	// Staleness is the longest time after which a change on another node acts on this one. 0 means 5 seconds.
	Staleness time.Duration
	// Logger gets each decision of the guard, and errors that no caller receives: each of these at once, and again at most
	// once a minute while it repeats. Nil: [slog.Default].
	Logger *slog.Logger
	// Listen listens on a channel of PostgreSQL, and calls wake once it does and at each notification, until ctx is done or it
	// fails. Open calls it again after a failure. Nil: changes of other nodes are found by polling alone.
	Listen func(ctx context.Context, channel string, wake func()) error

	// Keys and Guard are for everything else. What Open fills in is refused: in Keys the Store, LastUsed, Feed, Staleness,
	// OnError and Check; in Guard the Keys, Roles, Anonymous, Users, RoleChanges and SignedIn. Guard.Changes are in addition
	// to those of the parts, and Guard.Observe, if set, gets the decisions in place of the Logger.
	Keys  keys.Config
	Guard auth.Config

	// Start fills an installation that is empty.
	Start Start
}

// Start holds what a new installation begins with. Each part is applied once, in one transaction with its audit records,
// by the first node that finds it empty: no roles, a public API that was never opened or closed, no keys. After that nothing
// of it is applied, but it must still be without mistakes.
type Start struct {
	Roles []roles.Role
	// Public is the role of callers without a key. "" leaves the public API closed. PublicWrites lists what it allows beyond
	// the permissions that Config.Catalog lists as read, exactly; see [publicapi.Report].
	Public       string
	PublicWrites []string
	// Administrator names the first key, a custom key with the super role. "" makes none. Its value is Key, which has to be
	// in the format of Config.Keys; see the package comment. If Key is zero, the value is random and Show receives it,
	// once, on the node that made it.
	Administrator string
	Key           keys.Key
	Show          func(keys.Key)
}

// check returns all mistakes of c.
func (c *Config) check() error {
	var mistakes []error
	mistake := func(made bool, text string) {
		if made {
			mistakes = append(mistakes, errors.New("setup: Config."+text))
		}
	}
	mistake(c.DB != nil && c.Store != nil, "DB and Store are both set")
	mistake((c.DB == nil) != (c.Dialect == 0), "DB and Dialect need each other")
	mistake(c.Listen != nil && c.DB == nil && c.Store == nil, "Listen is set, and there is no database to listen to")
	mistake(c.Users == nil && (c.ListUsers != nil || c.DropRole != nil || c.SignedIn != nil), "ListUsers, DropRole or SignedIn is set without Users")
	mistake(c.Keys.Store != nil || c.Keys.LastUsed != nil || c.Keys.Feed != nil, "Keys has a Store, LastUsed or Feed: Open fills these in")
	mistake(c.Keys.Staleness != 0 || c.Keys.OnError != nil, "Keys has a Staleness or OnError: set Config.Staleness and Logger")
	mistake(c.Keys.Check != nil, "Keys has a Check: Open checks that the role and the users exist")
	mistake(c.Guard.Keys != nil || c.Guard.Roles != nil || c.Guard.RoleChanges != nil, "Guard has Keys, Roles or RoleChanges: Open fills these in")
	mistake(c.Guard.Anonymous != nil, "Guard.Anonymous is set: set Start.Public, or open the public API later")
	mistake(c.Guard.Users != nil || c.Guard.SignedIn != nil, "Guard has Users or SignedIn: set those of Config")
	return errors.Join(errors.Join(mistakes...), c.Start.check(c))
}

// check returns all mistakes of s, also if the installation is not empty.
func (s *Start) check(c *Config) error {
	var mistakes []error
	policy, err := roles.Compile(s.Roles...)
	if err != nil {
		mistakes = append(mistakes, fmt.Errorf("setup: Config.Start.Roles: %w", err))
	}
	if s.Public == "" && len(s.PublicWrites) > 0 {
		mistakes = append(mistakes, errors.New("setup: Config.Start.PublicWrites is set without Public"))
	}
	if policy != nil && s.Public != "" && len(s.Roles) > 0 {
		mistakes = append(mistakes, s.exposed(policy, c.Catalog))
	}
	switch set := s.Key.Reveal() != ""; {
	case s.Administrator == "" && (set || s.Show != nil):
		mistakes = append(mistakes, errors.New("setup: Config.Start.Administrator is empty, so there is no first key"))
	case s.Administrator != "" && !set && s.Show == nil:
		mistakes = append(mistakes, errors.New("setup: Config.Start has neither a Key for the administrator nor Show"))
	}
	return errors.Join(mistakes...)
}
