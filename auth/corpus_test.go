package auth_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/roles"
)

// exceptions are the entries that are known to end in another way than expected, by ID, with the reason. One
// that ends as expected fails too.
var exceptions = map[string]string{}

// An entry is one request of testdata/hostile.jsonl and what has to become of it. The META line of that file
// explains the fields.
type entry struct {
	ID      string   `json:"id"`
	Layer   string   `json:"layer"`
	Name    string   `json:"name"`
	Request string   `json:"request"`
	Headers []string `json:"headers"`
	Body    string   `json:"body"`
	Literal bool     `json:"literal"`
	Enc     string   `json:"enc"`
	NoHost  bool     `json:"no_host"`
	Public  string   `json:"public"`
	Fault   string   `json:"fault"`
	Config  struct {
		AllowQuery bool `json:"allow_query"`
	} `json:"config"`
	Expect     string `json:"expect"`
	Status     int    `json:"status"`
	StoreCalls *int64 `json:"store_calls"`
	Decision   bool   `json:"decision"`
	Why        string `json:"why"`
}

// readCorpus returns the entries and the roles of the META line. A field or value that it does not know fails
// the test: an entry that is half understood proves nothing.
func readCorpus(t *testing.T) (entries []entry, rs []roles.Role, fixtures map[string]string) {
	t.Helper()
	file, err := os.ReadFile("testdata/hostile.jsonl")
	require.NoError(t, err)
	lines := bufio.NewScanner(bytes.NewReader(file))
	lines.Buffer(nil, 1<<20)
	require.True(t, lines.Scan())
	var meta struct {
		ID       string
		Fixtures map[string]string
		Roles    map[string]roles.Role
	}
	require.NoError(t, json.Unmarshal(lines.Bytes(), &meta))
	require.Equal(t, "META", meta.ID)
	for appid, role := range meta.Roles {
		role.AppID = appid
		rs = append(rs, role)
	}
	ids := map[string]bool{}
	for lines.Scan() {
		var e entry
		d := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		d.DisallowUnknownFields()
		require.NoError(t, d.Decode(&e), lines.Text())
		require.Equal(t, "http", e.Layer, e.ID)
		require.Contains(t, []string{"", "latin1"}, e.Enc, e.ID)
		require.Contains(t, []string{"", "on", "off"}, e.Public, e.ID)
		require.Contains(t, []string{"anonymous", "accept", "400", "401", "403", "503"}, e.Expect, e.ID)
		require.Contains(t, faults, e.Fault, e.ID)
		require.False(t, ids[e.ID], "%s is there twice", e.ID)
		ids[e.ID] = true
		entries = append(entries, e)
	}
	require.NoError(t, lines.Err())
	for id := range exceptions {
		require.True(t, ids[id], "exception %s is no entry", id)
	}
	require.Len(t, entries, 185)
	return entries, rs, meta.Fixtures
}

func TestHostileCorpus(t *testing.T) {
	entries, rs, fixtures := readCorpus(t)
	for name, instant := range map[string]bool{"memory": true, "generic": false} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, rs, instant)
			for f := range fixtures {
				require.Contains(t, s.keys, f)
			}
			for _, e := range entries {
				t.Run(e.ID+"/"+e.Name, func(t *testing.T) { s.run(t, &e) })
			}
			s.close()
			t.Run("canary", s.canary)
		})
	}
}

// run puts one entry on each of its stages.
func (s *scene) run(t *testing.T, e *entry) {
	st := stage{publicOff: e.Public == "off"}
	if e.Config.AllowQuery {
		st.sources = auth.SourceAPIKeyHeader | auth.SourceBearer | auth.SourceInsecureQuery
	}
	var wrong []string
	for _, st.fault = range faults[e.Fault] {
		x := &expander{keys: s.keys}
		raw, err := x.bytes(e)
		require.NoError(t, err)
		a := s.send(t, s.at(t, st), raw)
		for _, what := range append(s.judge(e, &a, x.whole), s.promises(&a, e.Public == "off")...) {
			wrong = append(wrong, strings.TrimSpace(st.fault+" "+what))
		}
	}
	if reason, excepted := exceptions[e.ID]; excepted {
		require.NotEmpty(t, wrong, "ends as expected, but is an exception: %s", reason)
		t.Logf("exception: %s: %v", reason, wrong)
		return
	}
	for _, what := range wrong {
		t.Errorf("%s (%s)", what, e.Why)
	}
}
