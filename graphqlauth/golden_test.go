package graphqlauth_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// golden compares lines with a file in testdata. With LATCHKEY_UPDATE=1 it writes the file.
func golden[T any](t *testing.T, file string, values []T) {
	t.Helper()
	var b strings.Builder
	for _, v := range values {
		b.WriteString(fmt.Sprintln(v))
	}
	if os.Getenv("LATCHKEY_UPDATE") == "1" {
		require.NoError(t, os.WriteFile(file, []byte(b.String()), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), b.String(), "%s: run with LATCHKEY_UPDATE=1 if this is how it should be", file)
}
