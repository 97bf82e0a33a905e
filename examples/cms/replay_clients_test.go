package main

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Requests in the shapes that real clients send get the answers of a real Cockpit. DIFFERENCES.md lists the others by
// reason; none of them answers more than Cockpit. Entries where Cockpit fails, or lets through what it should not, are
// only sent; those whose answer no client relies on are counted apart. The entries about assets have a test of their
// own.
func TestReplayOfRealClients(t *testing.T) {
	onEach(t, func(t *testing.T, first config) {
		reasons := reasonsIn(t, "DIFFERENCES.md")
		covered := map[string]int{}
		counts := map[string]*count{}
		var r *replay
		group := ""
		for _, e := range recordedIn(t, "testdata/cockpit-clients.jsonl") {
			now, _, _ := strings.Cut(e.ID, "/")
			if strings.HasPrefix(now, "asset") {
				continue
			}
			if now != group {
				c := first
				if r != nil {
					c = another(t, first)
				}
				r, group = startReplay(t, c, fixtureOf(e)), now
				counts[group] = &count{}
			}
			if e.State.Public == "web" {
				e.State.Public = "role web"
			}
			theirs, ours, headers := r.exchange(t, e)
			require.Less(t, ours.status, http.StatusInternalServerError, "%s: %s", e.ID, ours)
			inside := strings.HasPrefix(e.Request.Path, "/api")
			if inside && len(headers) > 0 {
				t.Errorf("%s: %s", e.ID, headers)
			}
			if e.Response.HTML { // a page, which was not recorded
				theirs.mediaType, theirs.body = ours.mediaType, ours.body
			}
			difference := r.ids.same(theirs.body, ours.body)
			switch {
			case theirs.status != ours.status:
				difference = fmt.Sprintf("%d, not %d", ours.status, theirs.status)
			case theirs.mediaType != ours.mediaType:
				difference = fmt.Sprintf("%s, not %s", ours.mediaType, theirs.mediaType)
			}
			requireNotLooser(t, e, theirs, ours)
			counts[group].add(e, difference == "")
			if e.Unsafe || e.CockpitError || difference == "" {
				continue
			}
			names := reasons.covering(e.ID)
			for _, name := range names {
				covered[name]++
				requireNoMore(t, e, theirs, ours)
			}
			if len(names) == 0 && !e.Quirk {
				t.Errorf("%s: %s %s %s\n\tCockpit: %s\n\there:    %s\n\t%s", e.ID, e.Request.Method, e.Request.Path, e.Request.Body, theirs, ours, difference)
			} else if len(names) == 0 {
				t.Logf("quirk %s: %s %s\n\tCockpit: %s\n\there:    %s", e.ID, e.Request.Method, e.Request.Path, theirs, ours)
			}
		}
		for _, reason := range reasons {
			for _, name := range reason {
				require.NotZero(t, covered[name], "DIFFERENCES.md lists %q, but all these are answered as by Cockpit", name)
			}
		}
		var all count
		for _, group := range slices.Sorted(maps.Keys(counts)) {
			t.Logf("%-16s %s", group, counts[group])
			all.plus(*counts[group])
		}
		t.Logf("%-16s %s", "together", all)
	})
}

// fixtureOf returns the file with the store that an exchange was recorded on.
func fixtureOf(e exchange) string {
	if e.State.Fixture == "" {
		return fixture
	}
	return "testdata/" + e.State.Fixture
}

// requireNotLooser checks that a caller whom Cockpit refuses is refused here as well.
func requireNotLooser(t *testing.T, e exchange, theirs, ours answer) {
	t.Helper()
	body, _ := theirs.body.(map[string]any)
	if text, _ := body["error"].(string); text == "Authentication failed" || text == "Permission denied" {
		assert.GreaterOrEqual(t, ours.status, http.StatusBadRequest, "%s: %s", e.ID, ours)
	}
}

// requireNoMore checks that an answer is a refusal, or has no more values than Cockpit's.
func requireNoMore(t *testing.T, e exchange, theirs, ours answer) {
	t.Helper()
	if ours.status < http.StatusBadRequest && !refusesAll(ours) {
		require.LessOrEqual(t, values(ours.body), values(theirs.body), "%s: %s", e.ID, ours)
	}
}

// refusesAll reports whether a GraphQL answer has errors and no data.
func refusesAll(a answer) bool {
	body, _ := a.body.(map[string]any)
	return body["errors"] != nil && body["data"] == nil
}

// values is the number of values in a decoded body that are neither lists nor objects.
func values(v any) (n int) {
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			n += values(one)
		}
		return n
	case map[string]any:
		for _, one := range v {
			n += values(one)
		}
		return n
	}
	return 1
}

// A count is how many answers are the same as Cockpit's.
type count struct{ same, demanded, quirksSame, quirks, others int }

func (c *count) add(e exchange, same bool) {
	n := 0
	if same {
		n = 1
	}
	switch {
	case bool(e.Unsafe), bool(e.CockpitError):
		c.others++
	case bool(e.Quirk):
		c.plus(count{quirksSame: n, quirks: 1})
	default:
		c.plus(count{same: n, demanded: 1})
	}
}

func (c *count) plus(d count) {
	*c = count{c.same + d.same, c.demanded + d.demanded, c.quirksSame + d.quirksSame, c.quirks + d.quirks, c.others + d.others}
}

func (c count) String() string {
	return fmt.Sprintf("%3d of %3d the same; of quirks %2d of %2d; not demanded %2d", c.same, c.demanded, c.quirksSame, c.quirks, c.others)
}

// reasons are the lists of entries in the table of DIFFERENCES.md.
type reasons [][]string

func (r reasons) covering(id string) (names []string) {
	for _, reason := range r {
		for _, name := range reason {
			if ok, err := path.Match(name, id); ok && err == nil {
				names = append(names, name)
			}
		}
	}
	return names
}

func reasonsIn(t *testing.T, file string) (all reasons) {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| ---") || strings.HasPrefix(line, "| why") {
			continue
		}
		require.Len(t, cells, 3, "%q", line)
		var names []string
		for _, name := range ticked.FindAllStringSubmatch(cells[2], -1) {
			names = append(names, name[1])
		}
		require.NotEmpty(t, names, "%q", line)
		all = append(all, names)
	}
	require.LessOrEqual(t, len(all), 10)
	return all
}
