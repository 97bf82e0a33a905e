package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// trouble returns err, which the database gave to what, as an error that wraps ctx's if ctx is done. A broken
// constraint is told by its code alone: databases name the values, which may be digests.
func trouble(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	if code := sqlState(err); strings.HasPrefix(code, "23") {
		return fmt.Errorf("sqlstore: %s: a constraint is broken (SQLSTATE %s)", what, code)
	}
	if done := ctx.Err(); done != nil && !errors.Is(err, done) {
		return fmt.Errorf("sqlstore: %s: %w (%w)", what, done, err)
	}
	return fmt.Errorf("sqlstore: %s: %w", what, err)
}

// unique reports whether err says that something is there already. PostgreSQL alone says so: in SQLite nobody
// else writes between the question whether it is there and the write.
func unique(err error) bool { return sqlState(err) == "23505" }

// busy reports whether SQLite says that somebody else has the database. Its drivers have the code of an error each
// in a place of their own, and this text in common.
func busy(err error) bool { return err != nil && strings.Contains(err.Error(), "database is locked") }

// sqlState returns the code of an error of PostgreSQL's. The drivers' errors have this method.
func sqlState(err error) string {
	var coded interface{ SQLState() string }
	if errors.As(err, &coded) {
		return coded.SQLState()
	}
	return ""
}

// strange reports whether one of texts is not one that a database stores, so that nothing is stored under it.
// PostgreSQL has no other text than UTF-8 without NUL.
func strange(texts ...string) bool {
	for _, t := range texts {
		if !utf8.ValidString(t) || strings.IndexByte(t, 0) >= 0 {
			return true
		}
	}
	return false
}
