package existing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// oldCheck is a check from before Latchkey: a table of tokens, and what each may do.
type oldCheck map[string][]string

func (c oldCheck) middleware(permission string) func(http.Handler) http.Handler {
	return func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			allowed, known := c[r.Header.Get("api-key")]
			switch {
			case !known:
				http.Error(w, "old: who are you?", http.StatusUnauthorized)
			case !slices.Contains(allowed, permission):
				http.Error(w, "old: not you", http.StatusForbidden)
			default:
				h.ServeHTTP(w, r)
			}
		})
	}
}

var shadowPolicy = roles.MustCompile(
	roles.Role{AppID: "reader", Permissions: roles.Grants{"orders/read": true}},
	roles.Role{AppID: "clerk", Permissions: roles.Grants{"orders/read": true, "orders/*/update": true}},
)

// brokenStore is a store whose look-ups can be made to fail.
type brokenStore struct {
	*keys.MemoryStore
	find func(context.Context) error // nil: they work
}

func (s *brokenStore) Find(ctx context.Context, space string, digests []keys.Digest) (keys.Record, error) {
	if s.find != nil {
		if err := s.find(ctx); err != nil {
			return keys.Record{}, err
		}
	}
	return s.MemoryStore.Find(ctx, space, digests)
}

// A world has an old check and a guard that agree about the keys reader and clerk.
type world struct {
	t              *testing.T
	ring           *keys.Ring
	guard          *auth.Guard
	old            oldCheck
	texts          []string // all keys
	reader, clerk  string
	logged         *bytes.Buffer
	shadowed, then *http.ServeMux // with the old check in charge, and with Latchkey
	alone          *http.ServeMux // the old check without a shadow
}

func newWorld(t *testing.T, store keys.Store, c auth.Config) *world {
	w := &world{t: t, old: oldCheck{}, logged: &bytes.Buffer{}}
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(w.logged, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	w.ring = keys.NewRing(store)
	t.Cleanup(func() { require.NoError(t, w.ring.Close(context.Background())) })
	c.Keys, c.Roles, c.Observe = w.ring, shadowPolicy, Observe
	var err error
	w.guard, err = auth.New(c)
	require.NoError(t, err)
	w.reader = w.both("reader", keys.Custom{Role: "reader"}, "orders/read")
	w.clerk = w.both("clerk", keys.Custom{Role: "clerk"}, "orders/read", "orders/{id}/update")
	w.shadowed, w.then, w.alone = http.NewServeMux(), http.NewServeMux(), http.NewServeMux()
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %q", r.Pattern, r.PathValue("id"), body)
	})
	for pattern, permission := range map[string]string{"GET /orders": "orders/read", "PUT /orders/{id}": "orders/{id}/update"} {
		old := w.old.middleware(permission)
		w.shadowed.Handle(pattern, Shadow(w.guard, permission, old, h))
		w.then.Handle(pattern, w.guard.Require(permission, h))
		w.alone.Handle(pattern, old(h))
	}
	return w
}

// issue returns a new key that the old check does not know.
func (w *world) issue(c keys.Custom) (text, id string) {
	issued, err := w.ring.IssueCustom(w.t.Context(), c)
	require.NoError(w.t, err)
	w.texts = append(w.texts, issued.Key.Reveal())
	return issued.Key.Reveal(), issued.Record.ID
}

// both returns a new key that the old check knows too.
func (w *world) both(name string, c keys.Custom, oldAllows ...string) string {
	c.Name = name
	text, _ := w.issue(c)
	w.old[text] = oldAllows
	return text
}

// A call is a request that can be made several times.
type call struct {
	method, path, body string
	headers            http.Header
	old, latchkey      int // the statuses that are wanted
}

func (c call) to(h http.Handler) *httptest.ResponseRecorder {
	r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
	r.Header = c.headers.Clone()
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec
}

func read(key string, old, latchkey int) call {
	return call{"GET", "/orders", "", http.Header{"Api-Key": {key}}, old, latchkey}
}

func write(key string, old, latchkey int) call {
	return call{"PUT", "/orders/7", "a body", http.Header{"Api-Key": {key}}, old, latchkey}
}

func TestAShadowReportsEachDifference(t *testing.T) {
	w := newWorld(t, keys.NewMemoryStore(), auth.Config{})
	unknown := "API-0000000000000000000000000000000000000000"
	absent := read("", 401, 401)
	delete(absent.headers, "Api-Key")
	agreed := []call{
		read(w.reader, 200, 200), read(w.clerk, 200, 200), write(w.clerk, 200, 200), write(w.reader, 403, 403),
		read(unknown, 401, 401), write("wrong", 401, 401), absent, read("", 401, 401),
	}

	// Each kind of difference, with the reason that the report has to name.
	type planted struct {
		call
		report string
	}
	var differences []planted
	plant := func(report string, c call) { differences = append(differences, planted{c, report}) }
	all := []string{"orders/read", "orders/{id}/update"}
	for range 2 {
		disabled, id := w.issue(keys.Custom{Role: "clerk"})
		require.NoError(t, w.ring.Disable(t.Context(), id))
		w.old[disabled] = all
		plant("latchkey_allows=false status=401 reason=disabled_key", read(disabled, 200, 401))
		plant("latchkey_allows=false status=401 reason=disabled_key", write(disabled, 200, 401))

		gone, id := w.issue(keys.Custom{Role: "clerk"})
		require.NoError(t, w.ring.Invalidate(t.Context(), id))
		w.old[gone] = all
		plant("latchkey_allows=false status=401 reason=invalidated_key", read(gone, 200, 401))

		w.old["forgotten"] = all
		plant("latchkey_allows=false status=401 reason=malformed_key", read("forgotten", 200, 401))

		two := read(w.reader, 200, 400)
		two.headers.Set("Authorization", "Bearer "+w.clerk)
		plant("latchkey_allows=false status=400 reason=ambiguous_key", two)

		wider := w.both("the role is narrower", keys.Custom{Role: "reader"}, all...)
		plant("latchkey_allows=false status=403 reason=not_granted", write(wider, 200, 403))
		scoped := w.both("so are the scopes", keys.Custom{Role: "clerk", Scopes: []string{"orders/read"}}, all...)
		plant("latchkey_allows=false status=403 reason=out_of_scope", write(scoped, 200, 403))

		fresh, _ := w.issue(keys.Custom{Role: "reader"})
		plant("old_allows=false latchkey_allows=true status=0", read(fresh, 401, 200))
		narrower := w.both("the role is wider", keys.Custom{Role: "clerk"}, "orders/read")
		plant("old_allows=false latchkey_allows=true status=0", write(narrower, 403, 200))
		bearer := read("", 401, 200)
		bearer.headers = http.Header{"Authorization": {"Bearer " + w.reader}}
		plant("old_allows=false latchkey_allows=true status=0", bearer)
	}
	require.Len(t, differences, 20)

	n := requests
	if testing.Short() {
		n = 5_000
	}
	random := rand.New(rand.NewPCG(1, 2))
	at := map[int]planted{}
	for i, index := range random.Perm(n)[:len(differences)] {
		at[index] = differences[i]
	}
	reported, whole := 0, ""
	for i := range n {
		c := agreed[random.IntN(len(agreed))]
		difference, planted := at[i]
		if planted {
			c = difference.call
		}
		got, want := c.to(w.shadowed), c.to(w.alone)
		if got.Code != c.old || got.Code != want.Code || got.Body.String() != want.Body.String() || fmt.Sprint(got.Header()) != fmt.Sprint(want.Header()) {
			t.Fatalf("request %d, %v: the old check alone answers\n%v, and with a shadow\n%v", i, c.path, want, got)
		}
		if planted != (w.logged.Len() > 0) {
			t.Fatalf("request %d, planted: %v, reported: %q", i, planted, w.logged)
		}
		if planted {
			line := w.logged.String()
			require.Equal(t, 1, strings.Count(line, "\n"), line)
			require.Contains(t, line, difference.report)
			require.Contains(t, line, "route="+strings.Replace(c.path, "7", "{id}", 1)+"\n")
			require.Contains(t, line, "peer=192.0.2.1")
			if c.latchkey != 400 && !strings.Contains(line, "malformed_key") {
				require.Regexp(t, `key_id=\S{36} `, line)
			}
			reported++
			whole += line
		}
		w.logged.Reset()
	}
	require.Equal(t, 20, reported)
	for _, text := range append(w.texts, "forgotten") {
		require.NotContains(t, whole, text)
	}

	// Latchkey takes over: its verdicts are the answers.
	for _, c := range agreed {
		require.Equal(t, c.latchkey, c.to(w.then).Code, "%v", c)
	}
	for _, d := range differences {
		require.Equal(t, d.latchkey, d.call.to(w.then).Code, "%v", d.report)
	}
	require.Empty(t, w.logged.String())
}

// Whatever happens to the guard, the old check answers, in time, and nothing is reported.
func TestAShadowNeverAnswers(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	for what, find := range map[string]func(context.Context) error{
		"fails":   func(context.Context) error { return errors.New("the disk is full") },
		"hangs":   func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		"is deaf": func(context.Context) error { <-stop; return errors.New("at last") },
		"panics":  func(context.Context) error { panic("a bug") },
	} {
		t.Run("the store "+what, func(t *testing.T) {
			store := &brokenStore{MemoryStore: &keys.MemoryStore{}}
			w := newWorld(t, store, auth.Config{})
			store.find = find
			for _, c := range []call{write(w.clerk, 200, 503), write(w.reader, 403, 503), read("wrong", 401, 401)} {
				start := time.Now()
				got, want := c.to(w.shadowed), c.to(w.alone)
				require.Equal(t, c.old, got.Code)
				require.Equal(t, want, got)
				require.Less(t, time.Since(start), 900*time.Millisecond, "StoreTimeout is a second")
				require.Equal(t, c.latchkey, c.to(w.then).Code, "what Latchkey would answer")
			}
			require.Empty(t, w.logged.String())
		})
	}
	t.Run("the profile panics", func(t *testing.T) {
		w := newWorld(t, keys.NewMemoryStore(), auth.Config{
			Profile: func(http.ResponseWriter, *http.Request, *auth.Refusal) { panic("a bug") },
		})
		require.Equal(t, 401, read("wrong", 401, 0).to(w.shadowed).Code)
		require.Equal(t, 403, write(w.reader, 403, 0).to(w.shadowed).Code)
		require.Empty(t, w.logged.String())
	})
	t.Run("a sign-in that reads the body", func(t *testing.T) {
		w := newWorld(t, keys.NewMemoryStore(), auth.Config{
			Users:    auth.UserMap{},
			SignedIn: func(r *http.Request) (string, error) { _, err := io.ReadAll(r.Body); return "", err },
		})
		w.old[""] = w.old[w.clerk] // SignedIn is asked about a caller without a key
		c := write("", 200, 401)
		delete(c.headers, "Api-Key")
		require.Contains(t, c.to(w.shadowed).Body.String(), `"a body"`)
		require.Contains(t, w.logged.String(), "reason=missing_key")
	})
	t.Run("a handler that panics", func(t *testing.T) {
		w := newWorld(t, keys.NewMemoryStore(), auth.Config{})
		old := w.old.middleware("orders/read")
		h := Shadow(w.guard, "orders/read", old, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
		require.PanicsWithValue(t, http.ErrAbortHandler, func() { read(w.reader, 0, 0).to(h) })
	})
}

// The handler gets the server's own request, so that net/http removes the files of an upload.
func TestAShadowPassesTheRequestItself(t *testing.T) {
	w := newWorld(t, keys.NewMemoryStore(), auth.Config{})
	var got *http.Request
	h := Shadow(w.guard, "orders/read", w.old.middleware("orders/read"), http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = r
		_, ok := auth.PrincipalFrom(r.Context())
		require.False(t, ok, "the handler sees no principal before Latchkey decides")
	}))
	r := httptest.NewRequest("GET", "/orders", nil)
	r.Header.Set("api-key", w.reader)
	h.ServeHTTP(httptest.NewRecorder(), r)
	require.Same(t, r, got)
}

func TestManyShadowsAtOnce(t *testing.T) {
	w := newWorld(t, keys.NewMemoryStore(), auth.Config{})
	wider := w.both("the role is narrower", keys.Custom{Role: "reader"}, "orders/read", "orders/{id}/update")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				assert.Equal(t, 200, write(w.clerk, 0, 0).to(w.shadowed).Code)
				assert.Equal(t, 403, write(w.reader, 0, 0).to(w.shadowed).Code)
				assert.Equal(t, 200, write(wider, 0, 0).to(w.shadowed).Code)
			}
		})
	}
	all.Wait()
	require.Equal(t, 8*50, strings.Count(w.logged.String(), "status=403 reason=not_granted"))
	require.Equal(t, 8*50, strings.Count(w.logged.String(), "\n"))
}

// As the guide says: a check of the shadow is a use of the key, and one event.
func TestAShadowRecordsUses(t *testing.T) {
	w := newWorld(t, keys.NewMemoryStore(), auth.Config{})
	text, id := w.issue(keys.Custom{Role: "reader"})
	rec, err := w.ring.Get(t.Context(), id)
	require.NoError(t, err)
	require.Zero(t, rec.LastUsedAt)
	require.Equal(t, 401, read(text, 0, 0).to(w.shadowed).Code)
	rec, err = w.ring.Get(t.Context(), id)
	require.NoError(t, err)
	require.NotZero(t, rec.LastUsedAt)
}

// Without Observe a shadow knows no verdict: it reports each request that the old check allows.
func TestAShadowWithoutObserveIsLoud(t *testing.T) {
	w := newWorld(t, keys.NewMemoryStore(), auth.Config{})
	guard, err := auth.New(auth.Config{Keys: w.ring, Roles: shadowPolicy})
	require.NoError(t, err)
	h := Shadow(guard, "orders/read", w.old.middleware("orders/read"), http.NotFoundHandler())
	require.Equal(t, 404, read(w.reader, 0, 0).to(h).Code)
	require.Contains(t, w.logged.String(), "the checks differ")
}

// A mistake in the wiring shows before Latchkey is in charge.
func TestAShadowReportsAPermissionThatTheRouteCannotFill(t *testing.T) {
	w := newWorld(t, keys.NewMemoryStore(), auth.Config{})
	h := Shadow(w.guard, "orders/{id}/update", w.old.middleware("orders/{id}/update"), http.NotFoundHandler())
	require.Equal(t, 404, write(w.clerk, 0, 0).to(h).Code)
	require.Contains(t, w.logged.String(), "reason=no_path_value")
}
