package existing

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The Go blocks of the guide are the code that the other tests run, all of it.
func TestTheGuideHasThisCode(t *testing.T) {
	guide, err := os.ReadFile("../../../.github/guides/existing.md")
	require.NoError(t, err)
	code, err := os.ReadFile("existing.go")
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(guide), -1)
	require.Len(t, blocks, 4)
	rest := string(code)
	for _, block := range blocks {
		require.Contains(t, rest, "\n"+block[1])
		rest = strings.Replace(rest, block[1], "", 1)
	}
	require.NotContains(t, rest, "func ")
	require.LessOrEqual(t, strings.Count(string(guide), "\n"), 145)
}
