package auth_test

import (
	"context"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// faulty is a key store of which Find does something else once it is told to.
type faulty struct {
	keys.Store
	find fault[keys.Record]
}

// fault is what host code does instead of its work; nil is its work.
type fault[T any] struct {
	f atomic.Pointer[func(context.Context) (T, error)]
}

func (x *fault[T]) set(f func(context.Context) (T, error)) { x.f.Store(&f) }
func (x *fault[T]) mend()                                  { x.f.Store(nil) }

func (f *faulty) Find(ctx context.Context, space string, digests []keys.Digest) (keys.Record, error) {
	if instead := f.find.f.Load(); instead != nil {
		return (*instead)(ctx)
	}
	return f.Store.Find(ctx, space, digests)
}

// live is a source of roles that may be cold.
type live struct{ policy *roles.Policy }

func (l *live) Policy() *roles.Policy { return l.policy }

func TestAStoreInTroubleIsNoVerdict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &faulty{Store: keys.NewMemoryStore()}
		ring, err := keys.Open(keys.Config{Store: store})
		require.NoError(t, err)
		defer ring.Close(context.Background())
		w := newWorld(t)
		issued, err := ring.IssueCustom(t.Context(), keys.Custom{Name: "x", Role: "editor"})
		require.NoError(t, err)
		personal, err := ring.IssueUser(t.Context(), "ada", keys.User{})
		require.NoError(t, err)
		other, err := w.ring.Get(t.Context(), w.ids[w.editor])
		require.NoError(t, err)
		source := &live{w.policy}
		var signedIn fault[string]
		guard, err := auth.New(auth.Config{
			Keys: ring, Roles: source, Users: w.users, Anonymous: w.public,
			SignedIn: func(r *http.Request) (string, error) {
				if instead := signedIn.f.Load(); instead != nil {
					return (*instead)(r.Context())
				}
				return "", nil
			},
		})
		require.NoError(t, err)
		custom, user := []string{"api-key", issued.Key.Reveal()}, []string{"api-key", personal.Key.Reveal()}
		release := make(chan struct{})
		defer close(release)

		fail := func(ctx context.Context) (keys.Record, error) { return keys.Record{}, errDown }
		hang := func(ctx context.Context) (keys.Record, error) { <-release; return keys.Record{}, nil }
		slow := func(ctx context.Context) (keys.Record, error) { <-ctx.Done(); return keys.Record{}, ctx.Err() }
		panics := func(ctx context.Context) (keys.Record, error) { panic("with the key in it") }
		lies := func(ctx context.Context) (keys.Record, error) { return other, nil }
		for _, c := range []struct {
			name   string
			header []string
			break_ func()
		}{
			{"keys: error", custom, func() { store.find.set(fail) }},
			{"keys: hangs and ignores ctx", custom, func() { store.find.set(hang) }},
			{"keys: slow", custom, func() { store.find.set(slow) }},
			{"keys: panics", custom, func() { store.find.set(panics) }},
			{"keys: another query's row", custom, func() { store.find.set(lies) }},
			{"keys: an empty row", custom, func() { store.find.set(func(context.Context) (keys.Record, error) { return keys.Record{}, nil }) }},
			{"users: error", user, func() { w.users.err = errDown }},
			{"users: another user's row", user, func() { w.users.set(auth.User{ID: "ada"}); w.users.rows["ada"] = auth.User{ID: "eve", Active: true} }},
			{"public: error", nil, func() { w.public.set("", errDown) }},
			{"public: error beside a role", nil, func() { w.public.set("viewer", errDown) }},
			{"roles: cold, with a key", custom, func() { source.policy = nil }},
			{"roles: cold, without a key", nil, func() { source.policy = nil }},
			{"sessions: error", nil, func() { signedIn.set(func(context.Context) (string, error) { return "", errDown }) }},
			{"sessions: error beside a user", nil, func() { signedIn.set(func(context.Context) (string, error) { return "ada", errDown }) }},
			{"sessions: hang", nil, func() { signedIn.set(func(context.Context) (string, error) { <-release; return "ada", nil }) }},
			{"sessions: panic", nil, func() { signedIn.set(func(context.Context) (string, error) { panic("x") }) }},
		} {
			c.break_()
			handled := false
			next := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { handled = true })
			for _, h := range []http.Handler{guard.Identify(guard.Require("content/posts/read", next)), guard.Require("content/posts/read", next)} {
				began := time.Now()
				resp := serve(h, request("/", c.header...))
				require.Equal(t, 503, resp.StatusCode, c.name)
				require.LessOrEqual(t, time.Since(began), 1050*time.Millisecond, c.name)
				require.NotEmpty(t, resp.Header.Get("Retry-After"), c.name)
				b := body(t, resp)
				require.NotContains(t, b, "hunter2", "what a store says is not for strangers")
				require.JSONEq(t, `{"type":"about:blank","title":"Service Unavailable","status":503,"error":"Service unavailable"}`, b)
				require.False(t, handled, c.name)
			}
			// mended, it works again: nothing of the failure is kept
			store.find.mend()
			signedIn.mend()
			w.users.err, source.policy = nil, w.policy
			w.users.set(auth.User{ID: "ada", Role: "viewer", Active: true})
			w.public.set("viewer", nil)
			require.Equal(t, 200, serve(guard.Require("content/posts/read", next), request("/", c.header...)).StatusCode, c.name)
		}
	})
}

// hanging is a table of users that never answers.
type hanging struct{ release chan struct{} }

func (h hanging) User(context.Context, string) (auth.User, error) {
	<-h.release
	return auth.User{}, auth.ErrNoUser
}

// A store that hangs blocks only requests that need it, however many wait for it.
func TestHungUsersDoNotCloseThePublicAPI(t *testing.T) {
	h := hanging{make(chan struct{})}
	defer close(h.release)
	w := newWorld(t, func(c *auth.Config) { c.Users, c.Timeout = h, 50*time.Millisecond })
	var all sync.WaitGroup
	for range 300 {
		all.Go(func() {
			if status := serve(w.guard.Handler(who), request("/", "api-key", w.ada)).StatusCode; status != 503 {
				t.Errorf("answered %d", status)
			}
		})
	}
	all.Wait()
	require.Equal(t, 200, serve(w.guard.Handler(who), request("/")).StatusCode)
	require.Equal(t, 200, serve(w.guard.Handler(who), request("/", "api-key", w.editor)).StatusCode)
}

// A host's type may embed a cache and ask something slower than it.
type audited struct {
	*auth.UserCache
	hanging
}

func (a audited) User(ctx context.Context, id string) (auth.User, error) {
	return a.hanging.User(ctx, id)
}

func TestATypeAroundACacheIsGivenADeadline(t *testing.T) {
	h := hanging{make(chan struct{})}
	defer close(h.release)
	w := newWorld(t, func(c *auth.Config) {
		c.Users, c.Timeout = audited{auth.CacheUsers(c.Users, time.Hour), h}, 10*time.Millisecond
	})
	require.Equal(t, 503, serve(w.guard.Handler(who), request("/", "api-key", w.ada)).StatusCode)
}

func TestACallerWhoLeavesIsNoTroubleOfTheStore(t *testing.T) {
	var heard auth.Event
	h := hanging{make(chan struct{})}
	defer close(h.release)
	w := newWorld(t, observeInto(&heard), func(c *auth.Config) { c.Users = h })
	ctx, leave := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, leave)
	require.Equal(t, 503, serve(w.guard.Handler(who), request("/", "api-key", w.ada).WithContext(ctx)).StatusCode)
	require.Equal(t, auth.ReasonClientGone, heard.Reason)
}

func TestPanicsInHostCodeNeverReachNext(t *testing.T) {
	bang := func(*http.Request) netip.Addr { panic("bang") }
	for name, change := range map[string]func(*auth.Config){
		"observer": func(c *auth.Config) { c.Observe = func(context.Context, auth.Event) { panic("bang") } },
		"limit": func(c *auth.Config) {
			c.Limit = func(*http.Request, auth.Principal) (time.Duration, bool) { panic("bang") }
		},
		"users":      func(c *auth.Config) { c.Users = panicky{} },
		"users map":  func(c *auth.Config) { c.Users, c.Timeout = panicky{}, auth.NeverBlocks },
		"public":     func(c *auth.Config) { c.Anonymous = panicky{} },
		"path value": func(c *auth.Config) { c.PathValue = func(*http.Request, string) string { panic("bang") } },
		"peer":       func(c *auth.Config) { c.ClientAddr, c.Observe = bang, func(context.Context, auth.Event) {} },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, change)
			never := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("next ran") })
			header := []string{"api-key", w.ada}
			if name == "public" {
				header = nil
			}
			for _, h := range []http.Handler{w.guard.Require("content/{model}/read", never), w.guard.Identify(w.guard.Require("content/{model}/read", never))} {
				require.Contains(t, []int{500, 503}, serve(h, request("/", header...)).StatusCode)
			}
		})
	}
}

type panicky struct{}

func (panicky) User(context.Context, string) (auth.User, error) { panic("bang") }
func (panicky) PublicRole(context.Context) (string, error)      { panic("bang") }
func (panicky) Load(context.Context) (publicapi.Setting, error) { return publicapi.Setting{}, errDown }
func (panicky) Save(context.Context, publicapi.Setting) error   { return errDown }

func TestALivePublicAPIWhoseStoreFails(t *testing.T) {
	w := newWorld(t)
	service, err := publicapi.New(publicapi.Config{Store: panicky{}, Roles: w.policy, Staleness: publicapi.AlwaysAsk})
	require.NoError(t, err)
	guard, err := auth.New(auth.Config{Keys: w.ring, Roles: w.policy, Anonymous: service})
	require.NoError(t, err)
	require.Equal(t, 503, serve(guard.Identify(who), request("/")).StatusCode)
	require.Equal(t, 200, serve(guard.Identify(who), request("/", "api-key", w.editor)).StatusCode, "keys do not need it")
}
