package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A judge compares answers and checks differences against README's table.
type judge struct {
	rows      []row
	uses      map[string]int      // of patterns
	headers   map[string][]string // entries, by what is wrong
	differing int
}

func newJudge(t *testing.T) *judge {
	return &judge{rows: differences(t), uses: map[string]int{}, headers: map[string][]string{}}
}

// check returns the error of our answer, or "": it is the same, or differs as the table says.
func (j *judge) check(e exchange, theirs, ours answer, headers []string, ids *renamed) (problem string) {
	for _, header := range headers {
		j.headers[header] = append(j.headers[header], e.ID)
	}
	difference := ids.same(theirs.body, ours.body)
	switch {
	case theirs.status != ours.status:
		difference = fmt.Sprintf("%d, not %d", ours.status, theirs.status)
	case theirs.mediaType != ours.mediaType:
		difference = fmt.Sprintf("%s, not %s", ours.mediaType, theirs.mediaType)
	}
	var covering []row
	for _, row := range j.rows {
		if row.pattern(e.ID) != "" {
			covering = append(covering, row)
		}
	}
	if difference == "" {
		if covering != nil {
			return "the table covers it, but it is answered as by Cockpit"
		}
		return ""
	}
	j.differing++
	wrong := fmt.Sprintf("%d rows of the table cover it", len(covering))
	if len(covering) == 1 {
		j.uses[covering[0].pattern(e.ID)]++
		wrong = covering[0].says(theirs, ours, ids)
	}
	if wrong == "" {
		return ""
	}
	return fmt.Sprintf("%s: %s %s\n\tCockpit: %s\n\there:    %s\n\t%s", wrong, e.Request.Method, e.Request.Path, theirs, ours, difference)
}

// finish returns the errors that only the whole replay shows.
func (j *judge) finish() (problems []string) {
	for _, header := range slices.Sorted(maps.Keys(j.headers)) {
		problems = append(problems, fmt.Sprintf("header %s, at %d entries such as %s", header, len(j.headers[header]), j.headers[header][0]))
	}
	for _, row := range j.rows {
		for _, pattern := range row.patterns {
			if j.uses[pattern] == 0 {
				problems = append(problems, fmt.Sprintf("the table's %q covers nothing", pattern))
			}
		}
	}
	return problems
}

// A judge accepts the recorded answers themselves, apart from unused rows of the table, and notices a change in any
// one place of an answer.
func TestTheJudge(t *testing.T) {
	j, ids := newJudge(t), newRenamed(t, fixture)
	j.rows = nil
	changes := 0
	for _, e := range recorded(t) {
		if e.Kind != "api" {
			continue
		}
		theirs := newAnswer(t, e.Response.Status, e.Response.ContentType, e.Response.Body)
		require.Empty(t, j.check(e, theirs, theirs, nil, ids), e.ID)
		other := theirs
		other.status++
		require.Contains(t, j.check(e, theirs, other, nil, ids), "0 rows", e.ID)
		other = theirs
		other.mediaType += "x"
		require.Contains(t, j.check(e, theirs, other, nil, ids), "0 rows", e.ID)
		for _, body := range changed(t, theirs.body, "", ids.items) {
			other := theirs
			other.body = body
			require.Contains(t, j.check(e, theirs, other, nil, ids), "0 rows", "%s: %v", e.ID, body)
			changes++
		}
	}
	require.Greater(t, changes, 1000)

	j = newJudge(t)
	for i, problem := range j.finish() {
		require.Contains(t, problem, "covers nothing", i)
	}
	require.GreaterOrEqual(t, len(j.finish()), len(j.rows))
	e := exchange{ID: "l11-nokey/posts"}
	denied := newAnswer(t, 403, "application/json", `{"error":"Permission denied"}`)
	failed := newAnswer(t, 412, "application/json", `{"error":"Authentication failed"}`)
	require.Empty(t, j.check(e, denied, failed, nil, ids))
	require.Contains(t, j.check(e, denied, denied, nil, ids), "answered as by Cockpit")
	require.Contains(t, j.check(e, failed, denied, nil, ids), "the table says of Cockpit")
	require.Contains(t, j.check(e, denied, answer{status: 200}, nil, ids), "the table says of here")
	require.Empty(t, j.check(exchange{ID: "q/limit"}, denied, denied, []string{"Vary: none"}, ids))
	require.Contains(t, j.finish()[0], "Vary")
}

// changed returns a copy of value for each place that matters, with another value in that place.
func changed(t *testing.T, value any, member, items string) (all []any) {
	t.Helper()
	switch value := value.(type) {
	case map[string]any:
		more := maps.Clone(value)
		more["more"] = nil
		all = append(all, more)
		for name, inner := range value {
			less := maps.Clone(value)
			delete(less, name)
			all = append(all, less)
			for _, other := range changed(t, inner, name, items) {
				with := maps.Clone(value)
				with[name] = other
				all = append(all, with)
			}
		}
		return all
	case []any:
		all = append(all, append(slices.Clone(value), nil))
		for i, inner := range value {
			for _, other := range changed(t, inner, "", items) {
				with := slices.Clone(value)
				with[i] = other
				all = append(all, with)
			}
		}
		return all
	case string:
		all = append(all, nil)
		if member != "_id" || strings.Contains(items, value) {
			all = append(all, value+"0")
		}
		return all
	case json.Number:
		all = append(all, value.String())
		if member != "_modified" && member != "_created" || strings.Contains(items, value.String()) {
			all = append(all, value+"0")
		}
		return all
	}
	return []any{"something else"}
}
