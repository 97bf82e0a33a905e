package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// storeError wraps err, which the database returned for the operation what. If ctx is done, the result also wraps ctx's
// error. A broken constraint is reported by its code alone: databases name the values, which may be digests.
func storeError(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	switch code := sqlState(err); {
	case strings.HasPrefix(code, "23"):
		return fmt.Errorf("sqlstore: %s: a constraint is broken (SQLSTATE %s)", what, code)
	case code == "42P05" || code == "26000": // a prepared statement of another connection
		return fmt.Errorf("sqlstore: %s: a pooler such as PgBouncer changes the connection between transactions: "+
			"use the option Unprepared, and a driver that prepares nothing (%w)", what, err)
	}
	if done := ctx.Err(); done != nil && !errors.Is(err, done) {
		return fmt.Errorf("sqlstore: %s: %w (%w)", what, done, err)
	}
	return fmt.Errorf("sqlstore: %s: %w", what, err)
}

// unique reports whether err says that a value exists already. Only PostgreSQL reports that here: in SQLite no other
// writer can come between the check and the write.
func unique(err error) bool { return sqlState(err) == "23505" }

// busy reports whether SQLite says that another connection holds the database. Its drivers store the error code in
// different places; this text is common to them.
func busy(err error) bool { return err != nil && strings.Contains(err.Error(), "database is locked") }

// sqlState returns the code of a PostgreSQL error. The drivers' errors have this method.
func sqlState(err error) string {
	var coded interface{ SQLState() string }
	if errors.As(err, &coded) {
		return coded.SQLState()
	}
	return ""
}

// unstorable reports whether one of texts cannot be stored, so that no row has it. PostgreSQL stores only UTF-8 without
// NUL.
func unstorable(texts ...string) bool {
	return slices.ContainsFunc(texts, func(t string) bool { return !utf8.ValidString(t) || strings.IndexByte(t, 0) >= 0 })
}
