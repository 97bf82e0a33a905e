package graphqlauth_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/graphqlauth"
	"github.com/latchkey-go/latchkey/roles"
)

// An observer keeps the events of a guard, in one line each: outcome, status, reason, place and permission.
type observer struct {
	mu     sync.Mutex
	events []string
}

func (o *observer) see(_ context.Context, e auth.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	line := string(e.Outcome)
	if e.Outcome == auth.OutcomeRefused {
		line = strings.TrimSpace(fmt.Sprintf("%d %s %s %s", e.Status, e.Reason, e.Route, e.Permission))
	}
	o.events = append(o.events, line)
}

func (o *observer) take() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	events := o.events
	o.events = nil
	return events
}

// observed is a site whose guard has an observer.
func observed(t *testing.T, opts ...graphqlauth.Option) (*site, *observer) {
	o := &observer{}
	return newSite(t, siteOptions{observe: o.see, options: opts}), o
}

// A refused operation is refused for the observer, with its coordinates; one that is answered in part is passed, and
// each coordinate that was denied is refused once.
func TestDenialsAreObserved(t *testing.T) {
	s, o := observed(t)
	for _, c := range []struct {
		as, query string
		events    []string
	}{
		{"admin", `{public secret{title}}`, []string{"passed"}},
		{"reader", `{secret{title}}`, []string{"403 not_granted", "403 not_granted Query.secret content/secret/read"}},
		{"public", `{secret{title}}`, []string{"401 not_granted", "401 not_granted Query.secret content/secret/read"}},
		{"stranger", `{secret{title}}`, []string{"401 missing_key", "401 missing_key Query.secret content/secret/read"}},
		{"stranger", `{mine}`, []string{"401 missing_key", "401 missing_key Query.mine"}},
		{"reader", `{secret{title} content(model:"pages") b:content(model:"x")}`, []string{"403 not_granted", "403 not_granted Query.secret content/secret/read",
			"403 not_granted Query.content content/pages/read", "403 not_granted Query.content content/x/read"}},
		{"narrow", `{secret{title}}`, []string{"403 out_of_scope", "403 out_of_scope Query.secret content/secret/read"}},
		{"reader", `{public secret{title}}`, []string{"403 not_granted Query.secret content/secret/read", "passed"}},
		{"reader", `{users(n:500){email id}}`, []string{"403 not_granted User.email users/email/read", "passed"}},
		{"stranger", `{nodes{id}}`, []string{"401 missing_key Post.id content/posts/read", "401 missing_key Secret.id content/secret/read", "passed"}},
		{"reader", `mutation{drop save{__typename}}`, []string{"403 not_granted", "403 not_granted Mutation.drop content/drop", "403 not_granted Mutation.save content/write"}},
		{"reader", `{users(n:50){diary}}`, []string{"403 not_granted User.diary", "passed"}},
		{"admin", `{nothing}`, []string{"passed"}},
		{"editor", `{public echo(admin:true)}`, []string{"403 not_granted Query.echo(admin:) admin/echo", "passed"}},
	} {
		s.ask(c.as, c.query)
		got := o.take()
		slices.Sort(got)
		slices.Sort(c.events)
		require.Len(t, got, len(c.events), "%s %s: %q", c.as, c.query, got)
		for i := range got {
			require.True(t, got[i] == c.events[i] || strings.HasPrefix(got[i], c.events[i]+" "), "%s %s: %q and not %q", c.as, c.query, got, c.events)
		}
	}
}

// Many denied coordinates are many events up to a bound, for an operation that is refused and for one that is not.
func TestObservedDenialsAreBounded(t *testing.T) {
	s, o := observed(t, graphqlauth.WithMaxAliases(0))
	query := repeatf(300, "a%[1]d:content(model:\"m%[1]d\") ")
	s.ask("reader", "{"+query+"}")
	require.InDelta(t, 20, len(o.take()), 2)
	s.ask("reader", "{public "+query+"}")
	require.InDelta(t, 20, len(o.take()), 2)
}

// Denials of resolvers are observed as those of rules are.
func TestChecksInResolversAreObserved(t *testing.T) {
	s, o := observed(t)
	checks(s, "content/pages/read", "User.id", "Query.public")
	s.ask("reader", `{users(n:100){id}}`)
	require.Equal(t, []string{"403 not_granted User.id content/pages/read", "passed"}, o.take())
	s.ask("reader", `{public}`)
	require.Equal(t, []string{"403 not_granted Query.public content/pages/read", "403 not_granted  content/pages/read"}, o.take())
}

// Every transport tells the same.
func TestDenialsOverOtherTransports(t *testing.T) {
	s, o := observed(t)
	r := httptest.NewRequest("GET", "/graphql?query=%7Bsecret%7Btitle%7D%7D", nil)
	s.send("reader", r)
	require.Len(t, o.take(), 2)
	r = httptest.NewRequest("POST", "/graphql", strings.NewReader(`{"query":"subscription{ticks{draft}}"}`))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "text/event-stream")
	s.send("reader", r)
	require.Equal(t, []string{"403 not_granted  content/drafts/read", "403 not_granted Post.draft content/drafts/read"}, o.take())
}

// A subscription that is cut is refused for the observer, on a socket and over SSE.
func TestCutSubscriptionsAreObserved(t *testing.T) {
	n := newNewsroom(t, newsOptions{})
	seen := func(reason auth.Reason, route string) int {
		n.eventMu.Lock()
		defer n.eventMu.Unlock()
		found := 0
		for _, e := range n.events {
			if e.Outcome == auth.OutcomeRefused && e.Reason == reason && (route == "*" || e.Route == route) {
				found++
			}
		}
		return found
	}
	eventually := func(what string, reason auth.Reason, route string, want int) {
		t.Helper()
		require.Eventually(t, func() bool { return seen(reason, route) == want }, 10*time.Second, time.Millisecond, "%s: %d", what, seen(reason, route))
	}
	reader := n.key("reader")
	n.socket(modern, keyPayload(reader.Key.Reveal())).ask("1", `subscription { news }`)
	n.sse(`subscription { news }`, "Api-Key", reader.Key.Reveal())
	n.listening(2)
	require.NoError(t, n.ring.Invalidate(t.Context(), reader.Record.ID))
	eventually("a key that ends", auth.ReasonInvalidatedKey, "*", 2)

	reader = n.key("reader")
	n.socket(modern, keyPayload(reader.Key.Reveal())).ask("1", `subscription { news }`)
	n.listening(1)
	require.NoError(t, n.roles.Save(t.Context(), roles.Role{AppID: "reader", Permissions: roles.Grants{"news/write": true}}))
	eventually("a role that changes", auth.ReasonNotGranted, "Subscription.news", 1)
	eventually("a role that changes", auth.ReasonNotGranted, "", 1)
}

// While there is no policy, the operation has no verdict, and no field of it is called denied.
func TestNoPolicyIsObservedAsItIs(t *testing.T) {
	o := &observer{}
	s := newSite(t, siteOptions{observe: o.see, roles: noPolicy{}})
	require.Equal(t, 503, s.ask("reader", `{posts{title} secret{title}}`).status)
	require.Equal(t, []string{"503 no_policy"}, o.take())
}
