package adminapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

// An entry is one line of the hostile corpus: a management operation and how it must end.
type entry struct {
	ID     string                     `json:"id"`
	Layer  string                     `json:"layer"`
	Name   string                     `json:"name"`
	Actor  string                     `json:"actor"`
	Op     map[string]json.RawMessage `json:"op"`
	Expect string                     `json:"expect"`
	Status int                        `json:"status"`
}

// TestHostileManagement does what the corpus says over the JSON API, each entry in a world of its own.
func TestHostileManagement(t *testing.T) {
	f, err := os.Open("testdata/hostile.jsonl")
	require.NoError(t, err)
	defer f.Close()
	seen := 0
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e entry
		require.NoError(t, json.Unmarshal(lines.Bytes(), &e))
		if e.Layer != "manage" {
			continue // the first line explains
		}
		seen++
		t.Run(e.ID+"-"+e.Name, func(t *testing.T) { attempt(t, &e) })
	}
	require.NoError(t, lines.Err())
	require.Equal(t, 19, seen)
}

// A stage is a world with the fixtures of the corpus.
type stage struct {
	*world
	actors map[string]credential
	ids    map[string]string // of fixtures, and of the actors' keys
	values map[string]string
	both   *pair
}

func newStage(t *testing.T) *stage {
	s := &stage{actors: map[string]credential{}, ids: map[string]string{}, values: map[string]string{}}
	s.world = newWorld(t, func(store keys.Store) keys.Store {
		s.both = &pair{Store: store}
		return s.both
	})
	for fixture, user := range map[string]string{"USR": "ada", "USR2": "bob"} {
		issued := s.userKey(user, keys.User{})
		s.ids[fixture], s.values[fixture] = issued.Record.ID, issued.Key.Reveal()
	}
	revoked := s.custom(keys.Custom{Role: "editor"})
	require.NoError(t, s.ring.Invalidate(t.Context(), revoked.Record.ID))
	s.ids["REVOKED"], s.values["REVOKED"] = revoked.Record.ID, revoked.Key.Reveal()
	for actor, role := range map[string]string{"editor": "editor", "editor+keys": "keeper", "editor+roles": "rolemaker", "admin": "admin"} {
		issued := s.custom(keys.Custom{Name: actor, Role: role})
		s.actors[actor], s.ids[actor] = credential(issued.Key.Reveal()), issued.Record.ID
	}
	return s
}

// expand writes the macros of the corpus out.
func (s *stage) expand(t *testing.T, text string) string {
	for {
		before, rest, found := strings.Cut(text, "{{")
		if !found {
			return text
		}
		macro, after, _ := strings.Cut(rest, "}}")
		parts := strings.Split(macro, ":")
		var value string
		switch {
		case parts[0] == "repeat":
			n, err := strconv.Atoi(parts[2])
			require.NoError(t, err)
			value = strings.Repeat(parts[1], n)
		case len(parts) == 2 && parts[1] == "id":
			value = s.ids[parts[0]]
		case len(parts) == 1:
			value = s.values[parts[0]]
		}
		require.NotEmpty(t, value, "macro %s", macro)
		text = before + value + after
	}
}

// request turns an operation of the corpus into one of the API.
func (s *stage) request(t *testing.T, e *entry) (method, path, body string, at int) {
	at = 1
	for name, raw := range e.Op {
		text := s.expand(t, string(raw))
		switch name {
		case "create":
			method, path, body = "POST", "/keys", named(t, text)
		case "save_role":
			method, path, body = "POST", "/roles", text
		case "set_public_role":
			method, path, body = "PUT", "/public", `{"role":`+text+`}`
		case "refresh":
			var id string
			require.NoError(t, json.Unmarshal([]byte(text), &id))
			method, path = "POST", "/keys/"+id+"/refresh"
		case "update":
			var update map[string]any
			require.NoError(t, json.Unmarshal([]byte(text), &update))
			require.Equal(t, "self", update["key"])
			delete(update, "key")
			changed, err := json.Marshal(update)
			require.NoError(t, err)
			method, path, body = "PATCH", "/keys/"+s.ids[e.Actor], string(changed)
		case "concurrent":
			require.NoError(t, json.Unmarshal(raw, &at))
		default:
			t.Fatalf("the corpus has an operation that is not known here: %s", name)
		}
	}
	return method, path, body, at
}

// named adds what the API requires of each new key to one that says nothing about it.
func named(t *testing.T, text string) string {
	var members map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(text), &members))
	for name, value := range map[string]string{"name": `"Any"`, "role": "null"} {
		if _, ok := members[name]; !ok {
			text = strings.Replace(text, "{", fmt.Sprintf("{%q:%s,", name, value), 1)
		}
	}
	return text
}

func attempt(t *testing.T, e *entry) {
	s := newStage(t)
	who, known := s.actors[e.Actor]
	require.True(t, known, "actor %s", e.Actor)
	method, path, body, at := s.request(t, e)
	before := s.state(t)
	if at > 1 {
		s.both.arm(s.ids["USR"], at)
	}
	answers := make([]reply, at)
	var group sync.WaitGroup
	for i := range answers {
		group.Go(func() {
			var b any
			if body != "" {
				b = body
			}
			answers[i] = s.call(who, method, path, b)
		})
	}
	group.Wait()
	done := 0
	for _, a := range answers {
		if a.status < 300 {
			done++
		} else if at > 1 {
			require.Equal(t, 409, a.status, a.text)
		}
	}
	if e.Expect == "accept" {
		require.Equal(t, 1, done, "%+v", answers)
		require.NotEqual(t, before, s.state(t))
		require.Len(t, s.records(), 1)
		return
	}
	want := e.Status
	if want == 0 {
		var err error
		want, err = strconv.Atoi(e.Expect)
		require.NoError(t, err)
	}
	require.Equal(t, want, answers[0].status, answers[0].text)
	require.Equal(t, "application/problem+json", answers[0].header.Get("Content-Type"))
	require.Equal(t, before, s.state(t), "something was stored")
	require.Empty(t, s.records())
	if want == 400 {
		require.NotEmpty(t, answers[0].string("field"), "the error names no field: %s", answers[0].text)
	}
}

// state is everything that management can change, as text.
func (w *world) state(t *testing.T) string {
	var all []string
	records, err := w.store.List(context.Background(), "", keys.Filter{Limit: 1000})
	require.NoError(t, err)
	for _, rec := range records {
		all = append(all, fmt.Sprint(rec.ID, rec.Generation, rec.Role, rec.Name, rec.Scopes))
	}
	rs, revision, err := w.rows.Load(context.Background())
	require.NoError(t, err)
	setting, err := w.public.Current(context.Background())
	require.NoError(t, err)
	return fmt.Sprint(all, len(rs), revision, setting.Role, setting.Revision)
}

// A pair lets requests that begin at the same time begin at the same time: the first Get of a key waits for the
// second one.
type pair struct {
	keys.Store
	mu      sync.Mutex
	id      string
	missing int
	all     chan struct{}
}

func (p *pair) arm(id string, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.id, p.missing, p.all = id, n, make(chan struct{})
}

func (p *pair) Get(ctx context.Context, space, id string) (keys.Record, error) {
	rec, err := p.Store.Get(ctx, space, id)
	p.mu.Lock()
	wait := p.id == id && p.missing > 0
	if wait {
		if p.missing--; p.missing == 0 {
			close(p.all)
		}
	}
	all := p.all
	p.mu.Unlock()
	if wait {
		select {
		case <-all:
		case <-time.After(5 * time.Second):
		}
	}
	return rec, err
}
