package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPrefixIsChecked(t *testing.T) {
	for prefix, good := range map[string]bool{
		"latchkey_": true, "a": true, "k2_": true, strings.Repeat("a", 32): true,
		"": false, "_a": false, "2a": false, "A": false, "a-b": false, "a;drop": false, "a ": false, "a\"": false, "ä": false,
		"sqlite_a": false, strings.Repeat("a", 33): false, "a\n": false,
	} {
		for _, d := range []Dialect{SQLite, PostgreSQL} {
			_, err := newSettings(d, []Option{Prefix(prefix)})
			require.Equal(t, good, err == nil, "%q", prefix)
		}
	}
}

func TestAnUnknownDialectIsRefused(t *testing.T) {
	require.ErrorContains(t, Migrate(t.Context(), nil, 0), "neither SQLite nor PostgreSQL")
	_, err := Open(t.Context(), nil, 3)
	require.ErrorContains(t, err, "Dialect(3)")
}

func TestStatementsAreForTheDatabaseInUse(t *testing.T) {
	const text = "SELECT ?1, ?12 FROM latchkey_keys"
	s := settings{dialect: SQLite, prefix: "app_"}
	require.Equal(t, "SELECT ?1, ?12 FROM app_keys", s.statement(text))
	s.dialect = PostgreSQL
	require.Equal(t, "SELECT $1, $12 FROM app_keys", s.statement(text))
	const migration = "public.latchkey_keys and latchkey_roles"
	require.Equal(t, `"My schema".app_keys and app_roles`, s.migration(migration, `"My schema"`))
	require.Equal(t, "latchkey_x.app_keys and app_roles", s.migration(migration, "latchkey_x"))
}

func TestMigrationsAreNumbered(t *testing.T) {
	for _, d := range []Dialect{SQLite, PostgreSQL} {
		s := settings{dialect: d, prefix: defaultPrefix}
		newest, err := s.newest(0)
		require.NoError(t, err)
		require.Positive(t, newest)
		for n := 1; n <= newest; n++ {
			text, err := s.migrationText(n)
			require.NoError(t, err)
			require.NotEmpty(t, text)
		}
		_, err = s.migrationText(newest + 1)
		require.Error(t, err)
		_, err = s.newest(newest + 1)
		require.ErrorContains(t, err, fmt.Sprintf("has schema %d", newest+1))
	}
}

// PRAGMA synchronous answers with a number. One that has no name is not safe.
func TestOnlyFullAndExtraWaitForTheDisk(t *testing.T) {
	for synchronous, safe := range map[int]bool{-1: false, 0: false, 1: false, 2: true, 3: true, 4: false} {
		err := (&settings{}).durable(synchronous, "wal")
		require.Equal(t, safe, err == nil, synchronous)
	}
}

// coded is an error of PostgreSQL's as drivers give it: its details quote the row.
type coded struct{ code, detail string }

func (c *coded) Error() string    { return "ERROR: " + c.detail }
func (c *coded) SQLState() string { return c.code }

func TestABrokenConstraintIsToldByItsCodeAlone(t *testing.T) {
	const digest = "sha256:5ec2e7"
	for _, code := range []string{"23505", "23514", "23502"} {
		err := storeError(t.Context(), "insert a key", fmt.Errorf("driver: %w", &coded{code, "Key (digest)=(" + digest + ")"}))
		require.NotContains(t, fmt.Sprintf("%+v %#v", err, err), digest)
		require.ErrorContains(t, err, code)
		var c *coded
		require.False(t, errors.As(err, &c))
	}
	other := &coded{"57P01", "terminating connection"}
	require.ErrorIs(t, storeError(t.Context(), "insert a key", other), other)
	require.NoError(t, storeError(t.Context(), "insert a key", nil))
}

func TestStoreErrorWrapsTheErrorOfItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	interrupted := errors.New("interrupted (9)")
	err := storeError(ctx, "find a key", interrupted)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, interrupted)
}
