package sqlstore

import (
	"embed"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// An Option configures [Migrate] and [Open]. Both need the same Prefix.
type Option func(*settings)

// Prefix begins the names of all tables, indexes, triggers and functions, and of PostgreSQL's channel. The default is
// "latchkey_". It is 1 to 32 of a-z 0-9 _, begins with a letter, and is not "sqlite_", which SQLite reserves.
func Prefix(p string) Option { return func(s *settings) { s.prefix = p } }

// AllowSynchronous lets Open accept a setting that answers before a change is on disk: SQLite's PRAGMA synchronous,
// such as "NORMAL", which may lose the latest changes when the power fails (an issued key may be gone, an invalidated
// one may be good again), or PostgreSQL's synchronous_commit "off".
func AllowSynchronous(mode string) Option {
	return func(s *settings) { s.synchronous = append(s.synchronous, strings.ToUpper(mode)) }
}

// AllowJournal lets Open accept a journal_mode of SQLite other than WAL, DELETE, TRUNCATE and PERSIST: "MEMORY",
// which a database in memory has and which leaves a corrupt file when the process dies in a change, or "OFF", which
// cannot roll back.
func AllowJournal(mode string) Option {
	return func(s *settings) { s.journal = append(s.journal, strings.ToUpper(mode)) }
}

// Unprepared keeps a store from preparing statements by itself. It is for PostgreSQL behind a pooler that gives each
// transaction another connection, such as PgBouncer with pool_mode=transaction. The driver must prepare nothing either: with
// pgx, open the database with default_query_exec_mode=exec.
func Unprepared() Option { return func(s *settings) { s.unprepares = true } }

// settings holds the values of the options.
type settings struct {
	dialect     Dialect
	prefix      string
	synchronous []string // allowed beside the safe ones, in upper case
	journal     []string
	unprepares  bool
}

var prefixPattern = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)

func newSettings(d Dialect, opts []Option) (*settings, error) {
	s := &settings{dialect: d, prefix: defaultPrefix}
	for _, o := range opts {
		o(s)
	}
	if d != SQLite && d != PostgreSQL {
		return nil, fmt.Errorf("sqlstore: %v is neither SQLite nor PostgreSQL", d)
	}
	if !prefixPattern.MatchString(s.prefix) || strings.HasPrefix(s.prefix, "sqlite_") {
		return nil, errors.New("sqlstore: the prefix is not 1 to 32 of a-z 0-9 _, beginning with a letter and not with sqlite_")
	}
	return s, nil
}

// durable returns an error if one of SQLite's settings answers before a change is on disk.
func (s *settings) durable(synchronous int, journal string) error {
	name := fmt.Sprint(synchronous)
	if names := []string{"OFF", "NORMAL", "FULL", "EXTRA"}; synchronous >= 0 && synchronous < len(names) {
		name = names[synchronous]
	}
	if name != "FULL" && name != "EXTRA" && !slices.Contains(s.synchronous, name) {
		return fmt.Errorf("sqlstore: PRAGMA synchronous is %s, so a change may be lost after it was answered: "+
			"set FULL, or say AllowSynchronous(%q)", name, name)
	}
	journal = strings.ToUpper(journal)
	if !slices.Contains([]string{"WAL", "DELETE", "TRUNCATE", "PERSIST"}, journal) && !slices.Contains(s.journal, journal) {
		return fmt.Errorf("sqlstore: PRAGMA journal_mode is %s, so a crash may corrupt the whole database: "+
			"set WAL, or say AllowJournal(%q)", journal, journal)
	}
	return nil
}

// durableCommit is durable for PostgreSQL's synchronous_commit. All its settings but off wait for the disk of the
// server that answers.
func (s *settings) durableCommit(mode string) error {
	if mode == "off" && !slices.Contains(s.synchronous, "OFF") {
		return errors.New("sqlstore: synchronous_commit is off, so a change may be lost after it was answered: " +
			`set on, or say AllowSynchronous("off")`)
	}
	return nil
}

// A Dialect is a kind of database.
type Dialect int

const (
	SQLite     Dialect = iota + 1 // 3.42 or newer
	PostgreSQL                    // 13 or newer
)

// String returns the name of the database.
func (d Dialect) String() string {
	switch d {
	case SQLite:
		return "SQLite"
	case PostgreSQL:
		return "PostgreSQL"
	}
	return fmt.Sprintf("Dialect(%d)", int(d))
}

const (
	defaultPrefix = "latchkey_"
	defaultSchema = "public."
)

var (
	//go:embed migrations
	migrationFiles embed.FS

	placeholder = regexp.MustCompile(`\?(\d+)`)
)

// statement translates a statement of this package, which is written for SQLite and the default prefix, for the
// database in use. The prefix has been checked.
func (s *settings) statement(text string) string {
	if s.dialect == PostgreSQL {
		text = placeholder.ReplaceAllString(text, `$$$1`)
	}
	return strings.ReplaceAll(text, defaultPrefix, s.prefix)
}

// migration returns the text of a migration for the prefix and for the schema in use, which is quoted.
func (s *settings) migration(text, schema string) string {
	return strings.NewReplacer(defaultSchema+defaultPrefix, schema+"."+s.prefix, defaultPrefix, s.prefix).Replace(text)
}
