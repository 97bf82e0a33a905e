package graphqlauth_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/graphqlauth"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// soon is a second, and what a busy machine adds to it.
const soon = 3 * time.Second

// within fails if f takes longer than this.
func within(t testing.TB, limit time.Duration, f func()) {
	t.Helper()
	began := time.Now()
	f()
	require.Less(t, time.Since(began), limit)
}

// Whatever ends a key ends its sockets and streams at once on this node, silent ones too.
func TestAKeyThatEndsCutsItsSubscriptions(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		name string
		end  func(*newsroom, keys.Record) error
	}{
		{"invalidated", func(n *newsroom, r keys.Record) error { return n.ring.Invalidate(ctx, r.ID) }},
		{"disabled", func(n *newsroom, r keys.Record) error { return n.ring.Disable(ctx, r.ID) }},
		{"refreshed without overlap", func(n *newsroom, r keys.Record) error {
			_, err := n.ring.Refresh(ctx, r.ID, keys.Renewal{})
			return err
		}},
		{"bound to other networks", func(n *newsroom, r keys.Record) error {
			_, err := n.ring.Update(ctx, r.ID, func(s *keys.Settings) error {
				s.AllowedIPs = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
				return nil
			})
			return err
		}},
		{"expires now", func(n *newsroom, r keys.Record) error {
			_, err := n.ring.Update(ctx, r.ID, func(s *keys.Settings) error { s.ExpiresAt = time.Now().Add(20 * time.Millisecond); return nil })
			return err
		}},
		{"all keys of the user", func(n *newsroom, r keys.Record) error { _, err := n.ring.InvalidateUser(ctx, "ada"); return err }},
		{"user deactivated", func(n *newsroom, r keys.Record) error {
			n.people.set(auth.User{ID: "ada", Role: "reader"})
			n.users.Forget("ada")
			return nil
		}},
		{"users changed somewhere", func(n *newsroom, r keys.Record) error {
			n.people.set(auth.User{ID: "ada", Role: "reader"})
			n.users.Forget()
			return nil
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNewsroom(t, newsOptions{bound: time.Hour})
			issued := n.ada()
			var sockets []*client
			for _, d := range dialects {
				byPayload := n.socket(d, keyPayload(issued.Key.Reveal()))
				byHeader := n.socket(d, "", "api-key", issued.Key.Reveal())
				byPayload.ask("1", "subscription { news }")
				byHeader.ask("1", "subscription { news }")
				sockets = append(sockets, byPayload, byHeader, n.socket(d, keyPayload(issued.Key.Reveal()))) // and an idle one
			}
			other := n.socket(modern, keyPayload(n.key("reader").Key.Reveal()))
			other.ask("1", "subscription { news }")
			stream := n.sse("subscription { news }", "api-key", issued.Key.Reveal())
			n.listening(6)

			within(t, soon, func() {
				require.NoError(t, c.end(n, issued.Record))
				for _, s := range sockets {
					require.Equal(t, 4403, s.ends())
				}
				require.Contains(t, stream.event("next"), `"UNAUTHENTICATED"`)
				require.Equal(t, "", stream.event("complete"))
				stream.ends()
				n.listening(1)
			})
			require.Equal(t, 1, n.tell("still here as "))
			require.Contains(t, string(other.next().Payload), "still here as reader")
		})
	}
}

// A custom key belongs to no user, so the change names the key alone.
func TestACustomKeyThatEndsCutsItsSubscriptions(t *testing.T) {
	n := newNewsroom(t, newsOptions{bound: time.Hour})
	issued := n.key("reader")
	s := n.socket(modern, keyPayload(issued.Key.Reveal()))
	s.ask("1", "subscription { news }")
	n.listening(1)
	within(t, soon, func() {
		require.NoError(t, n.ring.Invalidate(t.Context(), issued.Record.ID))
		require.Equal(t, 4403, s.ends())
	})
}

func TestARoleChangeEndsOneSubscription(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		name   string
		change func(*newsroom, keys.Record) error
	}{
		{"the role is edited", func(n *newsroom, _ keys.Record) error {
			return n.roles.Save(ctx, roles.Role{AppID: "reader", Permissions: roles.Grants{"news/write": true}})
		}},
		{"the role is deleted", func(n *newsroom, _ keys.Record) error { return n.roles.Delete(ctx, "reader") }},
		{"the user has another role", func(n *newsroom, _ keys.Record) error {
			n.people.set(auth.User{ID: "ada", Role: "nothing", Active: true})
			n.users.Forget("ada")
			return nil
		}},
		{"the key is narrowed", func(n *newsroom, r keys.Record) error {
			_, err := n.ring.Update(ctx, r.ID, func(s *keys.Settings) error { s.Scopes = []string{"news/write"}; return nil })
			return err
		}},
	} {
		for _, d := range dialects {
			t.Run(c.name+", "+d.name, func(t *testing.T) {
				n := newNewsroom(t, newsOptions{bound: time.Hour})
				issued := n.ada()
				s := n.socket(d, keyPayload(issued.Key.Reveal()))
				s.ask("news", "subscription { news }")
				s.ask("weather", "subscription { weather }")
				stream := n.sse("subscription { news }", "Authorization", "Bearer "+issued.Key.Reveal())
				n.listening(3)
				within(t, soon, func() {
					require.NoError(t, c.change(n, issued.Record))
					m := s.next()
					require.Equal(t, []string{"news", d.next}, []string{m.ID, m.Type})
					require.Contains(t, string(m.Payload), `"FORBIDDEN"`)
					require.Equal(t, message{ID: "news", Type: "complete"}, s.next())
					require.Contains(t, stream.event("next"), `"FORBIDDEN"`)
					require.Equal(t, "", stream.event("complete"))
					stream.ends()
					n.listening(1)
				})
				require.Equal(t, 1, n.tell("rain for "))
				m := s.next()
				require.Equal(t, "weather", m.ID)
				require.Contains(t, string(m.Payload), "rain for ")
				require.Contains(t, s.answer("q", "{ me }"), `"me"`, "the socket is still good")
			})
		}
	}
}

// Each event is resolved for who the caller is by then.
func TestEventsSeeTheRoleOfTheMoment(t *testing.T) {
	n := newNewsroom(t, newsOptions{bound: time.Hour})
	key := n.ada().Key.Reveal()
	s := n.socket(modern, keyPayload(key))
	s.ask("1", "subscription { news }")
	stream := n.sse("subscription { news }", "api-key", key)
	n.listening(2)
	n.people.set(auth.User{ID: "ada", Role: "writer", Active: true})
	n.users.Forget("ada")
	require.Eventually(t, func() bool {
		require.Equal(t, 2, n.tell("for "))
		return strings.Contains(string(s.next().Payload), "for writer") && strings.Contains(stream.event("next"), "for writer")
	}, soon, time.Millisecond)
}

// Once the method that made a change has returned, no event passes unconfirmed, not even at the next instant.
func TestNothingIsDeliveredAfterAChange(t *testing.T) {
	for range 50 {
		n := newNewsroom(t, newsOptions{bound: time.Hour})
		issued := n.key("reader")
		s := n.socket(modern, keyPayload(issued.Key.Reveal()))
		s.ask("1", "subscription { news }")
		stream := n.sse("subscription { news }", "api-key", issued.Key.Reveal())
		n.listening(2)
		require.NoError(t, n.ring.Disable(t.Context(), issued.Record.ID))
		go n.tell("too late")
		_, err := s.receive()
		require.ErrorAs(t, err, &closed{})
		require.Contains(t, stream.event("next"), `"UNAUTHENTICATED"`)
	}
}

func TestAKeyExpiresDuringASubscription(t *testing.T) {
	n := newNewsroom(t, newsOptions{bound: time.Hour})
	const life = 400 * time.Millisecond
	expires := time.Now().Add(life)
	key := n.custom(keys.Custom{Role: "reader", ExpiresAt: expires}).Key.Reveal()
	s := n.socket(modern, keyPayload(key))
	s.ask("1", "subscription { news }")
	stream := n.sse("subscription { news }", "api-key", key)
	n.listening(2)
	require.Equal(t, 4403, s.ends())
	require.False(t, time.Now().Before(expires), "not before its time")
	require.Less(t, time.Since(expires), soon)
	require.Contains(t, stream.event("next"), `"UNAUTHENTICATED"`)
	n.listening(0)
}

// Another process makes the change: this one hears nothing, and finds out within the bound, however silent the
// subscription is.
func TestAChangeElsewhereActsWithinTheBound(t *testing.T) {
	const bound = 200 * time.Millisecond
	n := newNewsroom(t, newsOptions{bound: bound})
	elsewhere := keys.NewRing(n.store)
	silent, busy, idle := n.key("reader"), n.key("reader"), n.key("reader")
	s := n.socket(modern, keyPayload(silent.Key.Reveal()))
	s.ask("1", "subscription { news }")
	stream := n.sse("subscription { news }", "api-key", silent.Key.Reveal())
	i := n.socket(legacy, keyPayload(idle.Key.Reveal()))
	n.listening(2)
	time.Sleep(2 * bound) // it goes on by itself
	require.Equal(t, 2, n.tell("x"))
	require.Equal(t, "next", s.next().Type)
	stream.event("next")
	within(t, bound+soon, func() {
		require.NoError(t, elsewhere.Invalidate(t.Context(), silent.Record.ID))
		require.NoError(t, elsewhere.Disable(t.Context(), idle.Record.ID))
		require.Equal(t, 4403, s.ends())
		require.Equal(t, 4403, i.ends())
		require.Contains(t, stream.event("next"), `"UNAUTHENTICATED"`)
		n.listening(0)
	})

	b := n.socket(modern, keyPayload(busy.Key.Reveal()))
	b.ask("1", "subscription { news }")
	n.listening(1)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				n.tell("x")
				time.Sleep(time.Millisecond)
			}
		}
	}()
	b.next()
	require.NoError(t, elsewhere.Invalidate(t.Context(), busy.Record.ID))
	began := time.Now()
	require.Equal(t, 4403, b.ends())
	require.Less(t, time.Since(began), bound+soon)
	close(stop)
	<-stopped
}

// A store error is not a verdict: it ends nothing at once, and nothing goes on beyond the bound.
func TestAStoreErrorDuringASubscription(t *testing.T) {
	const bound = 600 * time.Millisecond
	n := newNewsroom(t, newsOptions{bound: bound})
	key := n.key("reader").Key.Reveal()
	s := n.socket(modern, keyPayload(key))
	s.ask("1", "subscription { news }")
	stream := n.sse("subscription { news }", "api-key", key)
	n.listening(2)
	n.store.down.Store(true)
	time.Sleep(bound / 8)
	n.store.down.Store(false)
	time.Sleep(2 * bound)
	require.Equal(t, 2, n.tell("x"), "it was over in time")
	s.next()
	stream.event("next")

	n.store.down.Store(true)
	began := time.Now()
	require.Equal(t, 1013, s.ends())
	require.Contains(t, stream.event("next"), `"UNAVAILABLE"`)
	require.Greater(t, time.Since(began), bound/4)
	require.Less(t, time.Since(began), bound+soon)
	n.listening(0)
}

// A bound of less than ten milliseconds is ten, so that it does not flood the store: each caller is checked twice in it.
func TestTheShortestBound(t *testing.T) {
	n := newNewsroom(t, newsOptions{bound: time.Nanosecond})
	s := n.socket(modern, keyPayload(n.key("reader").Key.Reveal()))
	s.ask("1", "subscription { news }")
	n.listening(1)
	began, before := time.Now(), n.store.finds.Load()
	time.Sleep(200 * time.Millisecond)
	asked := n.store.finds.Load() - before
	require.Positive(t, asked)
	require.LessOrEqual(t, asked, 2+int64(time.Since(began)/(5*time.Millisecond)))
}

// While something changed on this node and the store cannot say what, events wait.
func TestEventsWaitWhileAStoreFails(t *testing.T) {
	n := newNewsroom(t, newsOptions{bound: time.Hour})
	s := n.socket(modern, keyPayload(n.key("reader").Key.Reveal()))
	s.ask("1", "subscription { news }")
	n.listening(1)
	n.store.down.Store(true)
	n.users.Forget()
	require.Equal(t, 1, n.tell("at last for "))
	_ = s.conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	_, err := s.in.ReadByte()
	require.Error(t, err, "not delivered")
	n.store.down.Store(false)
	require.Contains(t, string(s.next().Payload), "at last for reader")
}

// An event does not wait for the confirmation of a stream that has ended, even if the transport's own context goes on.
func TestAnEventDoesNotOutliveItsStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCourt(t, `type Query {f:String} type Subscription @public {f:String}`)
		ctx, oc := c.operation("none", `subscription{f}`)
		ctx, cancel := context.WithCancel(ctx)
		require.Nil(t, c.e.MutateOperationContext(ctx, oc))
		next := c.e.InterceptOperation(ctx, func(context.Context) graphql.ResponseHandler {
			return func(context.Context) *graphql.Response {
				cancel()
				synctest.Wait()
				return &graphql.Response{}
			}
		})
		own, done := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer done()
		began := time.Now()
		require.Nil(t, next(own))
		require.Zero(t, time.Since(began))
	})
}

// A caller without a key and without a public role may subscribe to a @public field over SSE, and keeps it.
func TestASubscriptionForAnyone(t *testing.T) {
	n := newNewsroom(t, newsOptions{bound: 50 * time.Millisecond})
	stream := n.sse("subscription { weather }")
	n.listening(1)
	n.users.Forget()
	time.Sleep(150 * time.Millisecond)
	require.Equal(t, 1, n.tell("rain"))
	require.Contains(t, stream.event("next"), "rain")
	_ = stream.body.Close()
	n.listening(0)
}

// In Partial mode a subscription of which a part was denied cannot be changed under way, so it ends with the roles
// that it was begun with, and the client begins it again. One that lost a part ends too.
func TestAPartlyDeniedSubscriptionEndsWhenRolesChange(t *testing.T) {
	n := newNewsroom(t, newsOptions{bound: time.Hour, options: []graphqlauth.Option{graphqlauth.WithMode(graphqlauth.ModePartial)}})
	part := n.socket(modern, keyPayload(n.key("reader").Key.Reveal()))
	part.ask("1", "subscription { wire { text source } }")
	whole := n.socket(modern, keyPayload(n.key("writer").Key.Reveal()))
	whole.ask("1", "subscription { wire { text source } }")
	n.listening(2)
	n.users.Forget()
	require.Equal(t, 2, n.tell("x"), "nothing changed for either")
	part.next()
	whole.next()
	require.NoError(t, n.roles.Save(t.Context(), roles.Role{AppID: "other"}))
	require.Contains(t, string(part.next().Payload), `"UNAVAILABLE"`)
	require.Equal(t, "complete", part.next().Type)
	n.listening(1)
	require.NoError(t, n.roles.Save(t.Context(), roles.Role{AppID: "writer", Permissions: roles.Grants{"news/read": true}}))
	require.Contains(t, string(whole.next().Payload), `"UNAVAILABLE"`)
	n.listening(0)
}

// An eventStream reads text/event-stream.
type eventStream struct {
	t    testing.TB
	body io.ReadCloser
	in   *bufio.Reader
}

func (n *newsroom) sse(query string, header ...string) *eventStream {
	n.t.Helper()
	r, err := http.NewRequest(http.MethodPost, n.url+"/graphql", strings.NewReader(`{"query":"`+query+`"}`))
	require.NoError(n.t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "text/event-stream")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	require.NoError(n.t, err)
	require.Equal(n.t, 200, resp.StatusCode)
	require.Equal(n.t, "text/event-stream", resp.Header.Get("Content-Type"))
	n.t.Cleanup(func() { _ = resp.Body.Close() })
	return &eventStream{n.t, resp.Body, bufio.NewReader(resp.Body)}
}

// event reads the next event, which must have this name, and returns its data.
func (e *eventStream) event(name string) (data string) {
	e.t.Helper()
	got := ""
	for {
		line, err := e.in.ReadString('\n')
		require.NoError(e.t, err)
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "event: "):
			got = strings.TrimPrefix(line, "event: ")
		case strings.HasPrefix(line, "data: "):
			data = strings.TrimPrefix(line, "data: ")
		case line == "" && got != "":
			require.Equal(e.t, name, got)
			return data
		}
	}
}

func (e *eventStream) ends() {
	e.t.Helper()
	rest, err := io.ReadAll(e.in)
	require.NoError(e.t, err)
	require.Empty(e.t, strings.TrimSpace(string(rest)))
}

// A resolver may write to the input that it got, as it is the very map of the operation's variables if it is bound to
// one: a subscription is checked again anyway, with the variables that were sent. It says something under the race detector.
func TestAResolverMayWriteToItsInput(t *testing.T) {
	c := newCourt(t, `
		input In {guarded:String @can(permission:"a") list:[In!]}
		type Query {f:String}
		type Subscription @public {f(in:In):String}`, graphqlauth.WithRecheck(10*time.Millisecond))
	inner := map[string]any{}
	input := map[string]any{"list": []any{inner}}
	ctx, oc := c.operation("none", `subscription($in:In){f(in:$in)}`, map[string]any{"in": input})
	require.Nil(t, c.e.MutateOperationContext(ctx, oc))
	next := c.e.InterceptOperation(ctx, func(context.Context) graphql.ResponseHandler {
		return func(ctx context.Context) *graphql.Response {
			for began := time.Now(); time.Since(began) < 100*time.Millisecond; {
				input["guarded"], inner["guarded"] = "x", "x"
			}
			return &graphql.Response{}
		}
	})
	require.Empty(t, next(ctx).Errors)
	require.Equal(t, "x", oc.Variables["in"].(map[string]any)["guarded"], "it is the same map")
}
