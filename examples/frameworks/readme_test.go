package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// inREADME fails unless README has the text. It prints what README should have.
func inREADME(t *testing.T, text string) {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	if !strings.Contains(string(readme), text) {
		t.Errorf("README.md should have\n%s", text)
	}
}

// glue counts the lines of code below the comment "glue" in a file.
func glue(t *testing.T, file string) (n int) {
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.LessOrEqual(t, strings.Count(string(text), "\n"), 60, "%s is short enough to copy", file)
	_, below, _ := strings.Cut(string(text), "\n// glue\n")
	for line := range strings.Lines(below) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			n++
		}
	}
	return n
}

// README says how many lines each framework takes.
func TestGlue(t *testing.T) {
	for _, name := range frameworks {
		folder := strings.ReplaceAll(name, "/", "")
		files, err := filepath.Glob(folder + "/*.go")
		require.NoError(t, err)
		lines := 0
		for _, file := range files {
			lines += glue(t, file)
		}
		count := fmt.Sprint(lines)
		if name == "grpc" || name == "connect" {
			count += fmt.Sprintf(" and %d in [calls](calls/calls.go)", glue(t, "calls/calls.go"))
		}
		inREADME(t, fmt.Sprintf("| [%s](%s/%s.go) | %s |", name, folder, folder, count))
	}
}
