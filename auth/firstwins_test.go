package auth_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
)

func firstWins(c *auth.Config) {
	c.Sources = allSources
	c.InsecureFirstWins = true
}

// observed asks every kind of wrapper alike, and returns the one answer with what the observer heard.
func (w *world) observed(t *testing.T, heard *auth.Event, target string, header ...string) (*http.Response, auth.Event) {
	t.Helper()
	h := w.guard.Identify(w.guard.Require("content/posts/read", who))
	resp := serve(h, request(target, header...))
	for _, other := range []http.Handler{w.guard.Handler(who), w.guard.Require("content/posts/read", who)} {
		require.Equal(t, resp.StatusCode, serve(other, request(target, header...)).StatusCode)
	}
	return resp, *heard
}

// A show is what stands in each place; "" is nothing.
type show struct{ query, apiKey, bearer, xAPIKey string }

func (s show) request() (target string, header []string) {
	target = "/?x=1"
	if s.query != "" {
		target += "&api_key=" + s.query
	}
	if s.apiKey != "" {
		header = append(header, "api-key", s.apiKey)
	}
	if s.bearer != "" {
		header = append(header, "Authorization", "Bearer "+s.bearer)
	}
	if s.xAPIKey != "" {
		header = append(header, "X-Api-Key", s.xAPIKey)
	}
	return target, header
}

func TestTheFirstOfSeveralDecidesAlone(t *testing.T) {
	var heard auth.Event
	w := newWorld(t, firstWins, observeInto(&heard))
	good, also, bad := w.editor, w.ada, w.custom(keys.Custom{Name: "old", Role: "editor"})
	require.NoError(t, w.ring.Invalidate(t.Context(), w.ids[bad]))

	for _, c := range []struct {
		show
		want   string // "" is refused
		reason auth.Reason
	}{
		{show{query: good}, good, ""},
		{show{query: good, apiKey: also}, good, ""},
		{show{query: also, apiKey: good, bearer: good}, also, ""},
		{show{query: good, bearer: also}, good, ""},
		{show{apiKey: good, bearer: also}, good, ""},
		{show{apiKey: also, bearer: good}, also, ""},
		{show{bearer: good, xAPIKey: also}, good, ""},
		{show{query: good, apiKey: good, bearer: good, xAPIKey: good}, good, ""},
		{show{query: good, apiKey: "junk"}, good, ""},
		{show{query: good, apiKey: bad}, good, ""},
		{show{apiKey: good, bearer: "junk"}, good, ""},

		{show{query: bad, apiKey: good}, "", auth.ReasonInvalidatedKey},
		{show{query: "junk", apiKey: good}, "", auth.ReasonMalformedKey},
		{show{query: "junk", bearer: good}, "", auth.ReasonMalformedKey},
		{show{query: bad, apiKey: good, bearer: good, xAPIKey: good}, "", auth.ReasonInvalidatedKey},
		{show{apiKey: bad, bearer: good}, "", auth.ReasonInvalidatedKey},
		{show{apiKey: "junk", bearer: good}, "", auth.ReasonMalformedKey},
		{show{bearer: bad, xAPIKey: good}, "", auth.ReasonInvalidatedKey},
	} {
		target, header := c.request()
		resp, event := w.observed(t, &heard, target, header...)
		if c.want != "" {
			require.Equal(t, 200, resp.StatusCode, "%+v", c.show)
			require.Equal(t, w.ids[c.want], event.KeyID, "%+v", c.show)
			continue
		}
		require.Equal(t, 401, resp.StatusCode, "%+v", c.show)
		require.Equal(t, c.reason, event.Reason, "%+v", c.show)
	}
}

// Whatever is oddly spelt, alone or beside a good key in any place, refuses the request.
func TestNothingOddIsOverlooked(t *testing.T) {
	var heard auth.Event
	w := newWorld(t, firstWins, observeInto(&heard))
	k := w.editor
	type odd struct {
		query  string
		header []string
		alone  int // the status; beside a good key it is always 400
	}
	for name, c := range map[string]odd{
		"empty parameter":              {query: "api_key=", alone: 401},
		"parameter without a value":    {query: "api_key", alone: 401},
		"blank parameter":              {query: "api_key=%20+", alone: 401},
		"blank before the key":         {query: "api_key=+" + k, alone: 401},
		"blank behind the key":         {query: "api_key=" + k + "%0A", alone: 401},
		"too long":                     {query: "api_key=" + strings.Repeat("k", 257), alone: 401},
		"too long, encoded":            {query: "api_key=" + strings.Repeat("%6B", 257), alone: 401},
		"a list":                       {query: "api_key=" + k + "," + k, alone: 400},
		"a list, encoded":              {query: "api_key=" + k + "%2C", alone: 400},
		"twice":                        {query: "api_key=" + k + "&api_key=" + k, alone: 400},
		"twice, once empty":            {query: "api_key&x&api_key=" + k, alone: 400},
		"name encoded":                 {query: "api%5Fkey=" + k, alone: 400},
		"a letter of the name encoded": {query: "%61pi_key=" + k, alone: 400},
		"name in capitals":             {query: "API_KEY=" + k, alone: 400},
		"name in title case":           {query: "Api_Key=" + k, alone: 400},
		"name with a dash":             {query: "api-key=" + k, alone: 400},
		"name with a dot":              {query: "api.key=" + k, alone: 400},
		"name with a blank":            {query: "api+key=" + k, alone: 400},
		"name with a bracket":          {query: "api[key=" + k, alone: 400},
		"blanks before the name":       {query: "%20+api_key=" + k, alone: 400},
		"a blank behind the name":      {query: "api_key+=" + k, alone: 400},
		"a NUL behind the name":        {query: "api_key%00x=" + k, alone: 400},
		"an array":                     {query: "api_key[]=" + k, alone: 400},
		"an array, encoded":            {query: "api_key%5B%5D=" + k, alone: 400},
		"an operator":                  {query: "api_key[$ne]=1", alone: 400},
		"an array, very long":          {query: "api_key[" + strings.Repeat("x", 4000) + "]=" + k, alone: 400},
		"behind a semicolon":           {query: "x=1;api_key=" + k, alone: 400},
		"before a semicolon":           {query: "api_key=" + k + ";x=1", alone: 400},
		"encoded behind a semicolon":   {query: "x;%61pi_key=" + k, alone: 400},
		"the name of RFC 6750":         {query: "access_token=" + k, alone: 400},

		"empty header":              {header: []string{"api-key", ""}, alone: 401},
		"blank header":              {header: []string{"api-key", " \t"}, alone: 401},
		"a list in the header":      {header: []string{"api-key", k + "," + k}, alone: 400},
		"header twice":              {header: []string{"api-key", k, "api-key", k}, alone: 400},
		"header with an underscore": {header: []string{"api_key", k}, alone: 400},
		"header too long":           {header: []string{"api-key", strings.Repeat("k", 257)}, alone: 401},

		"Bearer without a token": {header: []string{"Authorization", "Bearer"}, alone: 401},
		"Bearer and blanks":      {header: []string{"Authorization", "Bearer   "}, alone: 401},
		"Bearer and a tab":       {header: []string{"Authorization", "Bearer \t" + k}, alone: 401},
		"Bearer and a colon":     {header: []string{"Authorization", "Bearer: " + k}, alone: 401},
		"Bearers in a list":      {header: []string{"Authorization", "Bearer " + k + ", Bearer " + k}, alone: 400},
		"Authorization twice":    {header: []string{"Authorization", "Bearer " + k, "Authorization", "Bearer " + k}, alone: 400},
		"empty Authorization":    {header: []string{"Authorization", ""}, alone: 401},
		"a key as another's":     {header: []string{"Authorization", "Token " + k}, alone: 401},
		"a key in Basic":         {header: []string{"Authorization", basic("u", k)}, alone: 401},
	} {
		t.Run(name, func(t *testing.T) {
			resp, _ := w.observed(t, &heard, "/?"+c.query, c.header...)
			require.Equal(t, c.alone, resp.StatusCode, "alone")
			for place, beside := range map[string]odd{
				"query":   {query: "api_key=" + k},
				"api-key": {header: []string{"api-key", k}},
				"Bearer":  {header: []string{"Authorization", "bearer " + k}},
			} {
				target := "/?page=1&" + beside.query + "&" + c.query
				resp, event := w.observed(t, &heard, target, append(beside.header, c.header...)...)
				require.Equal(t, 400, resp.StatusCode, "beside a good one: %s", place)
				require.Contains(t, []auth.Reason{auth.ReasonAmbiguous, auth.ReasonRepeatedKey, auth.ReasonMisspeltName, auth.ReasonKeyInQuery}, event.Reason)
			}
		})
	}
	for _, target := range []string{ // names of the host's own
		"/?apikey=1", "/?api__key=1", "/?api_keys=1", "/?my_api_key=1", "/?key=api_key", "/?q=api%20key;x", "/?q=%3Bapi_key=1", "/?%2561pi_key=1", "/?api_=1", "/?=api_key", "/?a%5B=api_key",
	} {
		resp, event := w.observed(t, &heard, target)
		require.Equal(t, 200, resp.StatusCode, target)
		require.Equal(t, auth.KindPublic, event.Kind, target)
	}
}

// The setting is of no use by itself: it opens no place.
func TestFirstWinsOpensNoPlace(t *testing.T) {
	var heard auth.Event
	w := newWorld(t, func(c *auth.Config) { c.InsecureFirstWins = true }, observeInto(&heard))
	k := w.editor
	for _, c := range []struct {
		target string
		header []string
		status int
	}{
		{"/", []string{"api-key", k, "Authorization", "Bearer " + w.ada}, 200},
		{"/?api_key=" + k, nil, 400},
		{"/?api_key=" + k, []string{"api-key", k}, 400},
		{"/", []string{"X-Api-Key", k}, 401},
		{"/", []string{"api-key", k, "X-Api-Key", k}, 400},
		{"/", []string{"api-key", k, "X-Api-Key", "theirs"}, 200},
	} {
		resp, _ := w.observed(t, &heard, c.target, c.header...)
		require.Equal(t, c.status, resp.StatusCode, "%s %v", c.target, c.header)
	}
}

func TestAMessageShowsOneKey(t *testing.T) {
	w := newWorld(t, firstWins)
	shown := message("api-key", w.editor, "Authorization", "Bearer "+w.editor)
	_, err := w.guard.CheckMessage(request("/"), shown)
	refusal, ok := errors.AsType[*auth.Refusal](err)
	require.True(t, ok)
	require.Equal(t, auth.ReasonAmbiguous, refusal.Reason)
	_, err = w.guard.CheckMessage(request("/?api_key="+w.editor, "api-key", w.editor), message("api-key", w.editor))
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, auth.ReasonAmbiguous, refusal.Reason, "one in the request, and one in the message")
	p, err := w.guard.CheckMessage(request("/?api_key="+w.editor, "api-key", w.ada), nil)
	require.NoError(t, err)
	require.Equal(t, w.ids[w.editor], p.KeyID())
}

func TestAllThatWasShownIsStripped(t *testing.T) {
	w := newWorld(t, firstWins, func(c *auth.Config) { c.StripCredentials = true })
	var seen *http.Request
	h := w.guard.Identify(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r }))
	r := request("/?a=1&api_key="+w.editor+"&b=2", "api-key", w.ada, "Authorization", "Bearer "+w.editor, "X-Api-Key", w.ada, "Accept", "x")
	require.NoError(t, r.ParseForm())
	before := r.Header.Clone()
	require.Equal(t, 200, serve(h, r).StatusCode)
	require.Equal(t, http.Header{"Accept": {"x"}}, seen.Header)
	require.Equal(t, "/?a=1&b=2", seen.RequestURI)
	require.Equal(t, "a=1&b=2", seen.URL.RawQuery)
	require.NotContains(t, seen.Form, "api_key")
	require.Equal(t, before, r.Header, "what is outside keeps its request")
	require.Contains(t, r.Form, "api_key")
}
