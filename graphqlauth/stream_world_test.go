package graphqlauth_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/graphqlauth"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// A newsroom is a server with subscriptions over a ring, live roles, a table of users and a public role, all of
// which tests change.
type newsroom struct {
	t       testing.TB
	store   *fragile
	ring    *keys.Ring
	roles   *roles.Directory
	people  *people
	users   *auth.UserCache
	public  *publicRole
	guard   *auth.Guard
	url     string
	events  []auth.Event
	eventMu sync.Mutex

	seen    sync.Map // what resolvers found in their contexts, printed
	ran     atomic.Int64
	mu      sync.Mutex
	readers map[chan string]struct{}
}

const newsSchema = `
type Query { me: String! @public  secret: String @can(permission: "news/secret") }
type Mutation { post: String! @can(permission: "news/write") }
type Subscription { news: String! @can(permission: "news/read")  weather: String! @public  wire: Wire @public }
type Wire { text: String  source: String @can(permission: "news/source") }
`

// fragile is a memory store behind a switch. Since it is not a *keys.MemoryStore, a ring asks it like a database.
type fragile struct {
	*keys.MemoryStore
	down  atomic.Bool
	finds atomic.Int64
}

var errDown = errors.New("connection refused to 10.0.0.7: password=hunter2")

func (f *fragile) Find(ctx context.Context, space string, digests []keys.Digest) (keys.Record, error) {
	f.finds.Add(1)
	if f.down.Load() {
		return keys.Record{}, errDown
	}
	return f.MemoryStore.Find(ctx, space, digests)
}

type people struct {
	mu   sync.Mutex
	rows map[string]auth.User
}

func (p *people) User(_ context.Context, id string) (auth.User, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	u, ok := p.rows[id]
	if !ok {
		return auth.User{}, auth.ErrNoUser
	}
	return u, nil
}

func (p *people) set(u auth.User) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rows[u.ID] = u
}

// publicRole is a setting that tells of changes.
type publicRole struct {
	role  atomic.Value
	heard sync.Map
}

func (p *publicRole) PublicRole(context.Context) (string, error) { return p.role.Load().(string), nil }

func (p *publicRole) Watch(f func(auth.Change)) func() {
	p.heard.Store(&f, f)
	return func() { p.heard.Delete(&f) }
}

func (p *publicRole) set(role string) {
	p.role.Store(role)
	p.heard.Range(func(_, f any) bool { f.(func(auth.Change))(auth.Change{}); return true })
}

type newsOptions struct {
	names  []string
	bound  time.Duration
	socket transport.Websocket
	change func(*auth.Config)

	options []graphqlauth.Option
}

func newNewsroom(t testing.TB, o newsOptions) *newsroom {
	t.Helper()
	n := &newsroom{
		t: t, store: &fragile{MemoryStore: keys.NewMemoryStore()}, public: &publicRole{}, readers: map[chan string]struct{}{},
		people: &people{rows: map[string]auth.User{"ada": {ID: "ada", Role: "reader", Active: true}}},
	}
	n.public.role.Store("")
	n.users = auth.CacheUsers(n.people, time.Hour)
	n.ring = keys.NewRing(n.store)
	var err error
	n.roles, err = roles.Open(context.Background(), roles.Config{Store: roles.NewMemoryStore(
		roles.Role{AppID: "reader", Permissions: roles.Grants{"news/read": true}},
		roles.Role{AppID: "writer", Permissions: roles.Grants{"news/**": true}},
		roles.Role{AppID: "nothing"},
	)})
	require.NoError(t, err)
	c := auth.Config{Keys: n.ring, Roles: n.roles, Users: n.users, Anonymous: n.public, RoleChanges: n.roles.Watch,
		Changes: []func(func(auth.Change)) func(){n.users.Watch, n.public.Watch}}
	c.Observe = func(_ context.Context, e auth.Event) {
		n.eventMu.Lock()
		defer n.eventMu.Unlock()
		n.events = append(n.events, e)
	}
	if o.change != nil {
		o.change(&c)
	}
	n.guard, err = auth.New(c)
	require.NoError(t, err)

	schema := gqlparser.MustLoadSchema(&ast.Source{Input: graphqlauth.SDL + newsSchema})
	srv := handler.New(&graphql.ExecutableSchemaMock{
		ExecFunc:       n.exec,
		SchemaFunc:     func() *ast.Schema { return schema },
		ComplexityFunc: func(context.Context, string, string, int, map[string]any) (int, bool) { return 1, true },
	})
	extension := graphqlauth.New(n.guard, append(o.options, graphqlauth.WithRecheck(o.bound))...)
	srv.AddTransport(graphqlauth.Websocket{Extension: extension, Websocket: o.socket, KeyNames: o.names})
	srv.AddTransport(transport.SSE{})
	srv.AddTransport(transport.POST{})
	srv.Use(extension)
	server := httptest.NewServer(graphqlauth.Handler(n.guard, srv))
	n.url = server.URL
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		require.NoError(t, n.roles.Close(context.Background()))
		require.NoError(t, n.ring.Close(context.Background()))
	})
	return n
}

// exec resolves the one field of an operation, which says who asks.
func (n *newsroom) exec(ctx context.Context) graphql.ResponseHandler {
	oc := graphql.GetOperationContext(ctx)
	field := oc.Operation.SelectionSet[0].(*ast.Field)
	n.ran.Add(1)
	resolve := func(ctx context.Context, text string) *graphql.Response {
		p, _ := auth.PrincipalFrom(ctx)
		n.seen.Store(fmt.Sprintf("%v %+v %#v", transport.GetInitPayload(ctx), ctx, oc.Headers), true)
		data, _ := json.Marshal(map[string]string{field.Alias: text + p.Role()})
		return &graphql.Response{Data: data}
	}
	if oc.Operation.Operation != ast.Subscription {
		return graphql.OneShot(resolve(ctx, ""))
	}
	news := make(chan string)
	n.mu.Lock()
	n.readers[news] = struct{}{}
	n.mu.Unlock()
	context.AfterFunc(ctx, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.readers, news)
	})
	return func(ctx context.Context) *graphql.Response {
		select {
		case text := <-news:
			return resolve(ctx, text)
		case <-ctx.Done():
			return nil
		}
	}
}

// tell publishes an event, and returns how many subscriptions took it.
func (n *newsroom) tell(text string) (took int) {
	n.mu.Lock()
	var readers []chan string
	for r := range n.readers {
		readers = append(readers, r)
	}
	n.mu.Unlock()
	for _, r := range readers {
		select {
		case r <- text:
			took++
		case <-time.After(5 * time.Second):
		}
	}
	return took
}

// listening waits until so many subscriptions are open.
func (n *newsroom) listening(want int) {
	n.t.Helper()
	require.Eventually(n.t, func() bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		return len(n.readers) == want
	}, 20*time.Second, time.Millisecond, "%d subscriptions", want)
}

func (n *newsroom) custom(c keys.Custom) keys.Issued {
	n.t.Helper()
	issued, err := n.ring.IssueCustom(context.Background(), c)
	require.NoError(n.t, err)
	return issued
}

func (n *newsroom) key(role string) keys.Issued {
	n.t.Helper()
	return n.custom(keys.Custom{Name: role, Role: role})
}

func (n *newsroom) ada() keys.Issued {
	n.t.Helper()
	issued, err := n.ring.IssueUser(context.Background(), "ada", keys.User{})
	require.NoError(n.t, err)
	return issued
}

// socket opens a socket and begins it with this payload.
func (n *newsroom) socket(d dialect, payload string, header ...string) *client {
	n.t.Helper()
	c, resp := dial(n.t, n.url, d, header...)
	require.Equal(n.t, http.StatusSwitchingProtocols, resp.StatusCode)
	return c.begin(payload)
}
