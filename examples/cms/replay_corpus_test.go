package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// An exchange is a request to a real Cockpit and its answer.
type exchange struct {
	ID      string
	Kind    string // "api": a request; "admin": a change through Cockpit's screens
	State   struct{ Public, Fixture string }
	Request struct {
		Method, Path, Body string
		Headers            map[string]string
	}
	Response struct {
		Status      int
		ContentType string `json:"content-type"`
		Body        string
		HTML        bool
	}
	// Marks of cockpit-clients.jsonl: Cockpit lets too much through, fails itself, or answers oddly.
	Unsafe, Quirk mark
	CockpitError  mark `json:"cockpit_error"`
}

// A mark is set if an entry has it: as true, or with the reason.
type mark bool

func (m *mark) UnmarshalJSON(text []byte) error {
	*m = string(text) != "null" && string(text) != "false"
	return nil
}

// recorded reads all exchanges in their order.
func recorded(t *testing.T) []exchange {
	all := recordedIn(t, "testdata/cockpit.jsonl")
	require.Len(t, all, 286)
	return all
}

func recordedIn(t *testing.T, name string) []exchange {
	t.Helper()
	file, err := os.Open(name)
	require.NoError(t, err)
	defer file.Close()
	var all []exchange
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e exchange
		require.NoError(t, json.Unmarshal(lines.Bytes(), &e))
		if e.ID != "META" {
			all = append(all, e)
		}
	}
	require.NoError(t, lines.Err())
	return all
}

// An answer is a status and a decoded body; a text if it is not JSON.
type answer struct {
	status    int
	mediaType string
	body      any
}

func (a answer) String() string {
	text, err := json.Marshal(a.body)
	if err != nil {
		text = fmt.Append(nil, a.body)
	}
	return fmt.Sprintf("%d %s", a.status, text)
}

// newAnswer decodes a body and keeps the spelling of numbers.
func newAnswer(t *testing.T, status int, contentType, body string) answer {
	t.Helper()
	mediaType, _, _ := strings.Cut(contentType, ";")
	a := answer{status: status, mediaType: mediaType, body: body}
	if mediaType == "application/json" && body != "" {
		a.body = parse(t, body)
	}
	return a
}

func parse(t *testing.T, text string) (value any) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	require.NoError(t, decoder.Decode(&value), "%q", text)
	return value
}

// renamed maps recorded ids and keys that were new to ours.
type renamed struct {
	items string // of the fixture: ids in here were not new
	ours  map[string]string
}

func newRenamed(t *testing.T, file string) *renamed {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var documents struct{ Items json.RawMessage }
	require.NoError(t, json.Unmarshal(text, &documents))
	return &renamed{string(documents.Items), map[string]string{}}
}

// in replaces recorded values by ours.
func (r *renamed) in(text string) string {
	for theirs, ours := range r.ours {
		text = strings.ReplaceAll(text, theirs, ours)
	}
	return text
}

var cockpitID = regexp.MustCompile(`^[0-9a-f]{24}$`)

// same returns where two bodies differ, or "". Times that are not in the fixture may differ if they are now; an _id
// that is not may differ if the mapping stays the same.
func (r *renamed) same(theirs, ours any) (difference string) {
	return r.differs("", "", theirs, ours)
}

func (r *renamed) differs(path, member string, theirs, ours any) string {
	other := fmt.Sprintf("%s: %v, not %v", path, ours, theirs)
	switch theirs := theirs.(type) {
	case map[string]any:
		members, ok := ours.(map[string]any)
		if !ok {
			return other
		}
		for _, name := range slices.Sorted(maps.Keys(theirs)) {
			if _, there := members[name]; !there {
				return fmt.Sprintf("%s.%s is missing", path, name)
			}
			if difference := r.differs(path+"."+name, name, theirs[name], members[name]); difference != "" {
				return difference
			}
		}
		for name := range members {
			if _, there := theirs[name]; !there {
				return fmt.Sprintf("%s.%s is there as well", path, name)
			}
		}
		return ""
	case []any:
		list, ok := ours.([]any)
		if !ok || len(list) != len(theirs) {
			return other
		}
		for i, value := range theirs {
			if difference := r.differs(fmt.Sprintf("%s[%d]", path, i), "", value, list[i]); difference != "" {
				return difference
			}
		}
		return ""
	case string:
		text, ok := ours.(string)
		if ok && member == "_id" && r.matches(theirs, text) {
			return ""
		}
	case json.Number:
		number, ok := ours.(json.Number)
		if ok && (member == "_modified" || member == "_created") && !strings.Contains(r.items, theirs.String()) && recent(number) {
			return ""
		}
	}
	if theirs != ours {
		return other
	}
	return ""
}

// matches reports whether our id may stand for theirs, and remembers it.
func (r *renamed) matches(theirs, ours string) bool {
	if !cockpitID.MatchString(theirs) || !cockpitID.MatchString(ours) || strings.Contains(r.items, theirs) {
		return theirs == ours
	}
	if known, met := r.ours[theirs]; met {
		return known == ours
	}
	for _, other := range r.ours {
		if other == ours { // two new items have different ids
			return false
		}
	}
	r.ours[theirs] = ours
	return true
}

// recent reports whether these are whole seconds of the last minutes.
func recent(number json.Number) bool {
	seconds, err := number.Int64()
	ago := time.Since(time.Unix(seconds, 0))
	return err == nil && ago > -time.Minute && ago < 10*time.Minute
}
