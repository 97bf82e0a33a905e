package database_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/examples/cms/database"
)

// A misspelt DSN would become the name of a file, with the password in it.
func TestAMisspeltDSNIsNoFile(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"Postgres://ada:hunter2@db/cms", "mysql://ada:hunter2@db/cms", "host=db password=hunter2"} {
		db, err := database.Open(name)
		require.Nil(t, db)
		require.Error(t, err)
		require.NotContains(t, err.Error(), "hunter2")
	}
	left, err := os.ReadDir(".")
	require.NoError(t, err)
	require.Empty(t, left)
}
