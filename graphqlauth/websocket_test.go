package graphqlauth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/graphqlauth"
	"github.com/latchkey-go/latchkey/keys"
)

func TestWhoOpensASocket(t *testing.T) {
	n := newNewsroom(t, newsOptions{})
	good := n.key("reader").Key.Reveal()
	paused := n.key("reader")
	require.NoError(t, n.ring.Disable(t.Context(), paused.Record.ID))
	far := n.custom(keys.Custom{Role: "reader", AllowedIPs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}).Key.Reveal()
	near := n.custom(keys.Custom{Role: "reader", AllowedIPs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}).Key.Reveal()
	const welcome = 0
	for _, c := range []struct {
		name, payload string
		header        []string
		want          int // the close code
	}{
		{"api-key", keyPayload(good), nil, welcome},
		{"its name in another case", `{"API-Key":"` + good + `"}`, nil, welcome},
		{"Bearer", `{"Authorization":"Bearer ` + good + `"}`, nil, welcome},
		{"Bearer, in other cases", `{"authorization":"bearer ` + good + `"}`, nil, welcome},
		{"beside what is the host's", `{"locale":"en","n":{"a":[1,null,"x"]},"Authorization":"Basic dTpw","api-key":"` + good + `"}`, nil, welcome},
		{"beside text that only begins like a key", `{"client":"API-client/1.0","USR-x":["API-docs"],"url":"https://h/?token=` + good + `","api-key":"` + good + `"}`, nil, welcome},
		{"in the upgrade's header", ``, []string{"api-key", good}, welcome},
		{"from where it is good", keyPayload(near), nil, welcome},

		{"as clients of HTTP write it", `{"headers":{"Authorization":"Bearer ` + good + `","x-trace":"1"}}`, nil, welcome},
		{"as clients of HTTP write it, api-key", `{"Headers":{"API-KEY":"` + good + `"},"a":1}`, nil, welcome},

		{"in headers, and beside them", `{"headers":{"api-key":"` + good + `"},"api-key":"` + good + `"}`, nil, 4400},
		{"in headers, of two kinds", `{"headers":{"api-key":"` + good + `","Authorization":"Bearer ` + good + `"}}`, nil, 4400},
		{"in headers, under another name", `{"headers":{"token":"` + good + `"}}`, nil, 4400},
		{"in headers of headers, under another name", `{"headers":{"headers":{"token":"` + good + `"}}}`, nil, 4400},
		{"in headers, junk", `{"headers":{"Authorization":"Bearer junk"}}`, nil, 4403},
		{"in headers, no text", `{"headers":{"Authorization":7}}`, nil, 4403},
		{"no payload", ``, nil, 4403},
		{"nothing in it", `{}`, nil, 4403},
		{"null", `null`, nil, 4403},
		{"junk", keyPayload("junk"), nil, 4403},
		{"unknown", keyPayload("API-" + strings.Repeat("0", 40)), nil, 4403},
		{"empty", keyPayload(""), nil, 4403},
		{"disabled", keyPayload(paused.Key.Reveal()), nil, 4403},
		{"from where it is not good", keyPayload(far), nil, 4403},
		{"no text", `{"api-key":7}`, nil, 4403},
		{"null text", `{"api-key":null}`, nil, 4403},
		{"a list", `{"api-key":["` + good + `"]}`, nil, 4403},
		{"an object", `{"Authorization":{"Bearer":"` + good + `"}}`, nil, 4403},
		{"Bearer without a token", `{"Authorization":"Bearer"}`, nil, 4403},
		{"another scheme", `{"Authorization":"Token ` + good + `"}`, nil, 4403},
		{"X-Api-Key", `{"X-Api-Key":"` + good + `"}`, nil, 4403},

		{"both", `{"api-key":"` + good + `","Authorization":"Bearer ` + good + `"}`, nil, 4400},
		{"twice", `{"api-key":"` + good + `","Api-Key":"` + good + `"}`, nil, 4400},
		{"joined by a comma", keyPayload(good + "," + good), nil, 4400},
		{"payload and header", keyPayload(good), []string{"api-key", good}, 4400},
		{"payload and another carrier", keyPayload(good), []string{"Authorization", "Bearer " + good}, 4400},
		{"api_key", `{"api_key":"` + good + `"}`, nil, 4400},
		{"apiKey, even with junk", `{"apiKey":"junk"}`, nil, 4400},
		{"access_token", `{"access_token":"` + good + `"}`, nil, 4400},
		{"api_key beside a good one", `{"api_key":"x","api-key":"` + good + `"}`, nil, 4400},
		{"under any other name", `{"token":"` + good + `"}`, nil, 4400},
		{"under any other name, with a scheme", `{"token":"Bearer ` + good + `"}`, nil, 4400},
		{"under any other name, mistyped", `{"token":"API-` + strings.Repeat("0", 40) + `"}`, nil, 4400},
		{"under any other name, beside a good one", `{"token":"` + good + `","api-key":"` + good + `"}`, nil, 4400},
		{"further in", `{"headers":[{"api-key":"` + good + `"}]}`, nil, 4400},
		{"as a name", `{"headers":{"` + good + `":true}}`, nil, 4400},
		{"as a name, beside", `{"` + good + `":true}`, nil, 4400},
		{"a payload that is no object", `["` + good + `"]`, nil, 4400},
		{"a payload that is a text", `"` + good + `"`, nil, 4400},
	} {
		for _, d := range dialects {
			t.Run(c.name+", "+d.name, func(t *testing.T) {
				socket, resp := dial(t, n.url, d, c.header...)
				require.Equal(t, http.StatusSwitchingProtocols, resp.StatusCode)
				socket.init(c.payload)
				if c.want != welcome {
					m, err := socket.receive()
					if d == legacy && c.name != "a payload that is no object" && c.name != "a payload that is a text" {
						require.NoError(t, err)
						require.Equal(t, "connection_error", m.Type)
						require.NotContains(t, string(m.Payload), good)
						_, err = socket.receive()
					}
					var end closed
					require.ErrorAs(t, err, &end)
					require.Equal(t, c.want, end.code)
					if c.name != "a payload that is no object" && c.name != "a payload that is a text" {
						require.Contains(t, end.reason, "connection_init is read for api-key, Authorization")
					}
					require.NotContains(t, end.reason, good)
					return
				}
				require.Equal(t, "connection_ack", socket.next().Type)
				require.JSONEq(t, `{"data":{"me":"reader"}}`, socket.answer("1", "{ me }"))
			})
		}
	}
}

func TestABadKeyInTheHeaderIsRefusedBeforeTheUpgrade(t *testing.T) {
	n := newNewsroom(t, newsOptions{})
	n.public.set("reader")
	key := n.key("reader").Key.Reveal()
	for _, c := range []struct {
		header []string
		want   int
	}{
		{[]string{"api-key", "junk"}, 401},
		{[]string{"api-key", ""}, 401},
		{[]string{"Authorization", "Bearer junk"}, 401},
		{[]string{"api_key", key}, 400},
		{[]string{"api-key", key, "Authorization", "Bearer " + key}, 400},
	} {
		_, resp := dial(t, n.url, modern, c.header...)
		require.Equal(t, c.want, resp.StatusCode, c.header)
	}
	require.Zero(t, n.ran.Load())
}

func TestThePublicRoleOverASocket(t *testing.T) {
	n := newNewsroom(t, newsOptions{})
	closedFirst, _ := dial(t, n.url, modern)
	closedFirst.init("")
	require.Equal(t, 4403, closedFirst.ends(), "the public API is off")

	n.public.set("reader")
	for _, d := range dialects {
		c := n.socket(d, "")
		require.JSONEq(t, `{"data":{"me":"reader"}}`, c.answer("1", "{ me }"))
		c.ask("2", "subscription { news }")
	}
	n.listening(2)
	bad, _ := dial(t, n.url, modern)
	bad.init(keyPayload("junk"))
	require.Equal(t, 4403, bad.ends(), "a bad key is not the public role")

	again := n.socket(modern, "")
	again.ask("1", "subscription { weather }")
	n.listening(3)
	n.public.set("")
	require.Equal(t, 4403, again.ends(), "the public API was switched off")
	n.listening(0)
}

func TestInitTimeout(t *testing.T) {
	n := newNewsroom(t, newsOptions{socket: transport.Websocket{InitTimeout: 20 * time.Millisecond}})
	c, _ := dial(t, n.url, modern)
	require.Equal(t, 1002, c.ends())
	require.Equal(t, 10*time.Second, graphqlauth.DefaultInitTimeout)
}

func TestAnOperationBeforeInitIsRefused(t *testing.T) {
	n := newNewsroom(t, newsOptions{})
	n.public.set("reader")
	for _, d := range dialects {
		c, _ := dial(t, n.url, d, "api-key", n.key("writer").Key.Reveal())
		c.ask("1", "mutation { post }")
		require.Equal(t, 1002, c.ends())
	}
	require.Zero(t, n.ran.Load())
}

func TestEachOperationOverASocketIsJudged(t *testing.T) {
	n := newNewsroom(t, newsOptions{})
	reader, writer := n.key("reader"), n.key("writer")
	for _, d := range dialects {
		n.ran.Store(0)
		c := n.socket(d, keyPayload(reader.Key.Reveal()))
		for _, query := range []string{"mutation { post }", "{ secret }", "subscription { news secret: weather }"} {
			c.ask("x", query)
			m := c.next()
			if query[0] == 's' { // two root fields: not a valid operation
				continue
			}
			require.Contains(t, string(m.Payload), "FORBIDDEN", query)
			require.Equal(t, "complete", c.next().Type)
		}
		require.Zero(t, n.ran.Load(), "nothing ran")
	}
	c := n.socket(modern, keyPayload(writer.Key.Reveal()))
	require.JSONEq(t, `{"data":{"post":"writer"}}`, c.answer("1", "mutation { post }"))
}

// A change is seen by the next operation, even if it is not reported.
func TestTheNextOperationSeesAChange(t *testing.T) {
	n := newNewsroom(t, newsOptions{bound: time.Hour})
	elsewhere := keys.NewRing(n.store)
	writer := n.key("writer")
	c := n.socket(modern, keyPayload(writer.Key.Reveal()))
	require.JSONEq(t, `{"data":{"post":"writer"}}`, c.answer("1", "mutation { post }"))
	_, err := elsewhere.Update(t.Context(), writer.Record.ID, func(s *keys.Settings) error { s.Role = "reader"; return nil })
	require.NoError(t, err)
	require.Contains(t, c.answer("2", "mutation { post }"), "FORBIDDEN")
	require.JSONEq(t, `{"data":{"me":"reader"}}`, c.answer("3", "{ me }"), "resolvers see who they are now")

	n.store.down.Store(true)
	require.Contains(t, c.answer("4", "{ me }"), "UNAVAILABLE", "a store error is not a verdict")
	n.store.down.Store(false)
	require.JSONEq(t, `{"data":{"me":"reader"}}`, c.answer("5", "{ me }"))

	ran := n.ran.Load()
	require.NoError(t, elsewhere.Invalidate(t.Context(), writer.Record.ID))
	c.ask("6", "{ me }")
	require.Equal(t, 4403, c.ends())
	require.Equal(t, ran, n.ran.Load())
}

func TestALimitCountsOperationsOfASocket(t *testing.T) {
	var left atomic.Int64
	left.Store(4) // the upgrade, connection_init and two operations
	n := newNewsroom(t, newsOptions{change: func(c *auth.Config) {
		c.Limit = func(*http.Request, auth.Principal) (time.Duration, bool) { return time.Minute, left.Add(-1) >= 0 }
	}})
	c := n.socket(modern, keyPayload(n.key("reader").Key.Reveal()))
	require.Contains(t, c.answer("1", "{ me }"), "reader")
	require.Contains(t, c.answer("2", "{ me }"), "reader")
	require.Contains(t, c.answer("3", "{ me }"), "Rate limit exceeded")
	left.Store(1)
	require.Contains(t, c.answer("4", "{ me }"), "reader", "the socket is still good")
	left.Store(1)
	again, _ := dial(t, n.url, modern)
	again.init(keyPayload(n.key("reader").Key.Reveal()))
	require.Equal(t, 1013, again.ends())
}

// One socket holds so many subscriptions and no more, however they call themselves.
func TestSubscriptionsOfASocketAreLimited(t *testing.T) {
	n := newNewsroom(t, newsOptions{})
	for _, d := range dialects {
		c := n.socket(d, keyPayload(n.key("reader").Key.Reveal()))
		for i := range 100 {
			c.ask(strconv.Itoa(i), "subscription { weather }")
		}
		n.listening(100)
		for _, id := range []string{"more", "0"} {
			c.ask(id, "subscription { weather }")
			require.Contains(t, string(c.next().Payload), "too many subscriptions on one socket: at most 100")
			require.Equal(t, message{ID: id, Type: "complete"}, c.next())
		}
		require.Contains(t, c.answer("query", "{ me }"), "reader", "the socket is still good")
		n.listening(100)
		c.send(message{ID: "7", Type: d.stop})
		require.Equal(t, message{ID: "7", Type: "complete"}, c.next())
		c.ask("instead", "subscription { news }")
		n.listening(100)
		_ = c.conn.Close()
		n.listening(0)
	}
}

func TestTheObserverHearsOfSockets(t *testing.T) {
	n := newNewsroom(t, newsOptions{})
	issued := n.key("reader")
	c := n.socket(modern, keyPayload(issued.Key.Reveal()))
	c.answer("1", "{ me }")
	bad, _ := dial(t, n.url, modern)
	bad.init(keyPayload("junk"))
	require.Equal(t, 4403, bad.ends())
	n.eventMu.Lock()
	defer n.eventMu.Unlock()
	var heard []string
	for _, e := range n.events {
		heard = append(heard, fmt.Sprint(e.Outcome, " ", e.Reason, " ", e.KeyID == issued.Record.ID, " ", e.Peer.IsValid()))
	}
	require.Subset(t, heard, []string{"passed  true true", "refused malformed_key false true"})
	require.Equal(t, "passed  true true", heard[0], "connection_init")
	require.Equal(t, "passed  true true", heard[1], "the operation")
}

// What resolvers find in their contexts, printed to the last field, has no key in it.
func TestNoResolverSeesTheKey(t *testing.T) {
	n := newNewsroom(t, newsOptions{})
	for _, name := range []string{"api-key", "API-KEY", "Authorization", "authorization"} {
		for _, d := range dialects {
			key := n.key("reader").Key.Reveal()
			shown := key
			if strings.EqualFold(name, "authorization") {
				shown = "Bearer " + key
			}
			c := n.socket(d, `{"locale":"en","`+name+`":"`+shown+`"}`)
			c.answer("1", "{ me }")
			c.ask("2", "subscription { news }")
			n.listening(1)
			n.tell("x")
			require.Equal(t, d.next, c.next().Type)
			_ = c.conn.Close()
			n.listening(0)
			kept := 0
			n.seen.Range(func(seen, _ any) bool {
				kept += strings.Count(seen.(string), "locale:en")
				require.NotContains(t, seen, key)
				require.NotContains(t, seen, key[4:])
				return true
			})
			require.Positive(t, kept, "the rest of the payload is still there")
		}
	}
}

// The key in an upgrade's header is the guard's to take away, as over HTTP.
func TestStripCredentialsCoversSockets(t *testing.T) {
	n := newNewsroom(t, newsOptions{change: func(c *auth.Config) { c.StripCredentials = true }})
	key := n.key("reader").Key.Reveal()
	require.Contains(t, n.socket(modern, "", "api-key", key).answer("1", "{ me }"), "reader")
	c, _ := dial(t, n.url, modern, "api-key", key)
	c.init(keyPayload(key))
	require.Equal(t, 4400, c.ends(), "shown twice, seen or not")
	n.seen.Range(func(seen, _ any) bool {
		require.NotContains(t, seen, key[4:])
		return true
	})
}

// An extension that no server uses has no rules to judge by.
func TestASocketWithoutAnExtensionInUse(t *testing.T) {
	n := newNewsroom(t, newsOptions{})
	for _, socket := range []graphqlauth.Websocket{{}, {Extension: graphqlauth.New(n.guard)}} {
		w := httptest.NewRecorder()
		socket.Do(w, httptest.NewRequest(http.MethodGet, "/graphql", nil), nil)
		require.Equal(t, 503, w.Code)
	}
}

func TestTheHostsInitFunc(t *testing.T) {
	type marker struct{}
	var got transport.InitPayload
	var who auth.Principal
	refuse, lost := errors.New("not today"), false
	var fail error
	n := newNewsroom(t, newsOptions{socket: transport.Websocket{
		InitFunc: func(ctx context.Context, p transport.InitPayload) (context.Context, *transport.InitPayload, error) {
			got = p
			who, _ = auth.PrincipalFrom(ctx)
			if lost {
				return nil, nil, fail
			}
			return context.WithValue(ctx, marker{}, 1), &transport.InitPayload{"hello": "you"}, fail
		},
	}})
	issued := n.key("reader")
	open := func() *client {
		c, _ := dial(t, n.url, modern)
		c.init(`{"locale":"en","api-key":"` + issued.Key.Reveal() + `"}`)
		return c
	}
	c := open()
	m := c.next()
	require.Equal(t, "connection_ack", m.Type)
	require.JSONEq(t, `{"hello":"you"}`, string(m.Payload))
	require.Equal(t, transport.InitPayload{"locale": "en"}, got)
	require.Equal(t, issued.Record.ID, who.KeyID())
	require.Contains(t, c.answer("1", "{ me }"), "reader")

	lost = true
	c = open()
	require.Equal(t, "connection_ack", c.next().Type, "a nil context is ours")
	require.Contains(t, c.answer("1", "{ me }"), "reader")

	fail = refuse
	require.Equal(t, 1000, open().ends(), "a nil context with an error does not leave the socket open")
	lost = false
	require.Equal(t, 1000, open().ends(), "as gqlgen does")

	got = nil
	bad, _ := dial(t, n.url, modern)
	bad.init(keyPayload("junk"))
	require.Equal(t, 4403, bad.ends())
	require.Nil(t, got, "it is not asked about a bad key")
}

func TestAStoreErrorAtInit(t *testing.T) {
	n := newNewsroom(t, newsOptions{})
	key := n.key("reader").Key.Reveal()
	n.store.down.Store(true)
	for _, d := range dialects {
		c, _ := dial(t, n.url, d)
		c.init(keyPayload(key))
		require.Equal(t, 1013, c.ends())
	}
	_, resp := dial(t, n.url, modern, "api-key", key)
	require.Equal(t, 503, resp.StatusCode)
}

// Other names by option: the key alone or with its scheme, at the top or in headers, and hidden from resolvers.
func TestOtherNamesOfAKey(t *testing.T) {
	n := newNewsroom(t, newsOptions{names: []string{"authToken", "access_token"}})
	good := n.key("reader").Key.Reveal()
	for _, payload := range []string{
		`{"authToken":"` + good + `"}`, `{"AUTHTOKEN":"Bearer ` + good + `"}`, `{"headers":{"authToken":"` + good + `"}}`, `{"access_token":"` + good + `"}`, keyPayload(good),
	} {
		socket, _ := dial(t, n.url, modern)
		require.Contains(t, socket.begin(payload).answer("1", "{ me }"), "reader", payload)
	}
	n.seen.Range(func(text, _ any) bool {
		require.NotContains(t, text, good)
		return true
	})
	for payload, want := range map[string]int{
		`{"authToken":"` + good + `","api-key":"` + good + `"}`: 4400, `{"token":"` + good + `"}`: 4400, `{"authToken":"junk"}`: 4403, `{"authToken":7}`: 4403, `{}`: 4403,
	} {
		socket, _ := dial(t, n.url, modern)
		socket.init(payload)
		_, err := socket.receive()
		var end closed
		require.ErrorAs(t, err, &end)
		require.Equal(t, want, end.code, payload)
		require.Contains(t, end.reason, "authToken, access_token")
	}
}
