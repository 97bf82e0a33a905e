package sqlstore

import (
	"embed"
	"fmt"
	"regexp"
	"strings"
)

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
