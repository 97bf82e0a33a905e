package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/examples/internal/pgserver"
)

// The recorded requests to a real Cockpit are sent again here, in the same order and with the same changes between.
// README's table lists each difference, in its exact words, and nothing else.
func TestReplayOfARealCockpit(t *testing.T) {
	onEach(t, func(t *testing.T, first config) {
		judge := newJudge(t)
		var r *replay
		part := ""
		for _, e := range recorded(t) {
			if now := partOf(e.ID, part); r == nil || now != part {
				c := first
				if r != nil {
					c = another(t, first)
				}
				r, part = startReplay(t, c, fixture), now
			}
			theirs, ours, headers := r.exchange(t, e)
			if problem := judge.check(e, theirs, ours, headers, r.ids); problem != "" {
				t.Errorf("%s: %s", e.ID, problem)
			}
		}
		for _, problem := range judge.finish() {
			t.Error(problem)
		}
		t.Logf("%d of 286 answers differ, for %d reasons", judge.differing, len(judge.rows))
	})
}

// another returns the config of another new database of the same engine.
func another(t *testing.T, c config) config {
	t.Helper()
	if c.pepper == "" {
		c.db = filepath.Join(t.TempDir(), "cms.db")
	} else {
		c.db = pgserver.Shared(t).NewDatabase(t)
	}
	return c
}

// A replay is this program on a database that held only the fixture.
type replay struct {
	screen *screen
	ids    *renamed
	url    string
}

// partOf returns the part of the recording that an entry belongs to: the one of the entry before, unless a new part
// begins. Each part began with the unchanged fixture.
func partOf(id, before string) string {
	for _, part := range []string{"w-", "addr-", "gql/", "l1-"} {
		if strings.HasPrefix(id, part) {
			return part
		}
	}
	return before
}

func startReplay(t *testing.T, c config, file string) *replay {
	t.Helper()
	c.load, c.profile = file, "cockpit"
	n := anotherNode(t, c)
	_, err := n.fill(t.Context(), c.load)
	require.NoError(t, err)
	server := httptest.NewServer(n.site())
	t.Cleanup(server.Close)
	return &replay{screen: newScreen(t, n), ids: newRenamed(t, file), url: server.URL}
}

// exchange sends a recorded request. It also returns what is wrong with the headers of our answer.
func (r *replay) exchange(t *testing.T, e exchange) (theirs, ours answer, wrong []string) {
	t.Helper()
	r.screen.public(t, e.State.Public)
	if e.Kind == "admin" {
		// A change has no answer to compare: it was made or refused.
		theirs, ours = answer{status: e.Response.Status}, answer{status: http.StatusOK}
		if err := r.screen.do(t, e, r.ids); err != nil {
			ours.status = http.StatusBadRequest
			t.Logf("%s: %v", e.ID, err)
		}
		return theirs, ours, nil
	}
	require.Equal(t, "api", e.Kind, e.ID)
	theirs = newAnswer(t, e.Response.Status, e.Response.ContentType, e.Response.Body)
	request, err := http.NewRequestWithContext(t.Context(), e.Request.Method, r.url+r.ids.in(e.Request.Path), strings.NewReader(r.ids.in(e.Request.Body)))
	require.NoError(t, err, e.ID)
	for name, value := range e.Request.Headers {
		request.Header.Set(name, r.ids.in(value))
	}
	ours, wrong = r.send(t, request)
	return theirs, ours, wrong
}

// send returns the answer to a request, and what is wrong with its headers.
func (r *replay) send(t *testing.T, request *http.Request) (a answer, wrong []string) {
	t.Helper()
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(t, err, "%s", request.URL)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err, "%s", request.URL)
	a = newAnswer(t, response.StatusCode, response.Header.Get("Content-Type"), string(body))
	return a, wrongHeaders(request.Method, response.Header)
}

// wrongHeaders checks the headers that each answer of Cockpit's API has, those it never has, and those that ours add
// on purpose: a response behind the guard must not be cached.
func wrongHeaders(method string, h http.Header) (wrong []string) {
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin":      "*",
		"Access-Control-Allow-Headers":     "X-Requested-With, Content-Type, Origin, Cache-Control, Pragma, Authorization, Accept, Accept-Encoding, API-KEY",
		"Access-Control-Allow-Methods":     "PUT, POST, GET, OPTIONS, DELETE",
		"Access-Control-Allow-Credentials": "",
		"Www-Authenticate":                 "",
		"Retry-After":                      "",
	} {
		if got := h.Get(name); got != want {
			wrong = append(wrong, fmt.Sprintf("%s: %q, not %q", name, got, want))
		}
	}
	vary := strings.Join(h.Values("Vary"), ", ")
	guarded := h.Get("Cache-Control") == "no-store" && strings.Contains(vary, "Api-Key") && strings.Contains(vary, "Authorization")
	if method != http.MethodOptions && !guarded { // answered outside the guard
		wrong = append(wrong, fmt.Sprintf("Cache-Control: %q, Vary: %q", h.Get("Cache-Control"), vary))
	}
	return wrong
}
