package main

import (
	"fmt"
	"os"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A row of README's table says how some answers differ here, and why.
type row struct {
	patterns     []string // in the syntax of path.Match
	theirs, ours said
	reason       string
}

// A said is an answer in a cell: its status, and the whole body if it is quoted.
type said struct {
	status int
	body   any
}

var (
	ticked  = regexp.MustCompile("`([^`]*)`")
	leading = regexp.MustCompile(`^[0-9]{3}\b`)
)

// differences reads the table from README.md.
func differences(t *testing.T) (rows []row) {
	t.Helper()
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(text), "\n## Where it differs from a real Cockpit\n")
	require.True(t, found, "README.md has the section")
	section, _, _ = strings.Cut(section, "\n## ")
	for line := range strings.Lines(section) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		require.Len(t, cells, 4, "%q", line)
		r := row{theirs: newSaid(t, cells[1]), ours: newSaid(t, cells[2]), reason: strings.TrimSpace(cells[3])}
		for _, pattern := range ticked.FindAllStringSubmatch(cells[0], -1) {
			r.patterns = append(r.patterns, pattern[1])
		}
		require.NotEmpty(t, r.reason, "%q", line)
		rows = append(rows, r)
	}
	require.NotEmpty(t, rows, "README.md has the table")
	return rows
}

func newSaid(t *testing.T, cell string) (s said) {
	t.Helper()
	cell = strings.TrimSpace(cell)
	s.status, _ = strconv.Atoi(leading.FindString(cell))
	require.NotZero(t, s.status, "%q begins with a status", cell)
	if body := ticked.FindStringSubmatch(cell); body != nil {
		s.body = parse(t, body[1])
	}
	return s
}

// pattern returns the pattern of the row that covers an entry, or "".
func (r row) pattern(id string) string {
	for _, pattern := range r.patterns {
		if ok, err := path.Match(pattern, id); ok && err == nil {
			return pattern
		}
	}
	return ""
}

// says returns the difference between the row's words and two answers, or "".
func (r row) says(theirs, ours answer, ids *renamed) string {
	for _, c := range []struct {
		who    string
		said   said
		answer answer
	}{{"Cockpit", r.theirs, theirs}, {"here", r.ours, ours}} {
		if c.said.status != c.answer.status || c.said.body != nil && ids.same(c.said.body, c.answer.body) != "" {
			return fmt.Sprintf("the table says of %s: %d %v", c.who, c.said.status, c.said.body)
		}
	}
	return ""
}
