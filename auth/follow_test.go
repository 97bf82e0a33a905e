package auth_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// An announced is a public role that reports changes to any number of watchers.
type announced struct {
	switchable
	watchers map[*func(auth.Change)]bool
}

func (a *announced) Watch(f func(auth.Change)) func() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.watchers[&f] = true
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.watchers, &f)
	}
}

func (a *announced) announce(c auth.Change) {
	a.mu.Lock()
	watchers := maps.Clone(a.watchers)
	a.mu.Unlock()
	for f := range watchers {
		(*f)(c)
	}
}

func (a *announced) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.watchers)
}

// A streaming is a world whose guard reports changes of roles, users and the public role.
type streaming struct {
	*world
	roles  *roles.Directory
	cache  *auth.UserCache
	public *announced
}

func newStreaming(t *testing.T) *streaming {
	t.Helper()
	s := &streaming{public: &announced{watchers: map[*func(auth.Change)]bool{}}}
	var err error
	s.roles, err = roles.Open(t.Context(), roles.Config{Store: roles.NewMemoryStore(viewer, editor)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.roles.Close(context.Background())) })
	s.public.set("viewer", nil)
	s.world = newWorld(t, func(c *auth.Config) {
		s.cache = auth.CacheUsers(c.Users, time.Hour)
		c.Roles, c.Users, c.Anonymous = s.roles, s.cache, s.public
		c.RoleChanges, c.Changes = s.roles.Watch, []func(func(auth.Change)) func(){s.cache.Watch, s.public.Watch}
	})
	return s
}

// follow follows the caller with this key, or the one without a key.
func follow(t *testing.T, guard *auth.Guard, key string) context.Context {
	t.Helper()
	r := request("/")
	if key != "" {
		r.Header.Set("api-key", key)
	}
	r = r.WithContext(t.Context())
	var ctx context.Context
	serve(guard.Identify(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var stop func()
		ctx, stop = auth.Follow(r.Context())
		t.Cleanup(stop)
	})), r)
	require.NotNil(t, ctx)
	return ctx
}

// ended returns the status and the reason with which ctx ended; "" is not yet.
func ended(ctx context.Context) string {
	synctest.Wait()
	if ctx.Err() == nil {
		return ""
	}
	refusal, ok := context.Cause(ctx).(*auth.Refusal)
	if !ok {
		return context.Cause(ctx).Error()
	}
	return fmt.Sprint(refusal.Status, " ", refusal.Reason)
}

// A change on this node ends a stream before any time has passed.
func TestFollowEndsAtOnceAfterAChangeHere(t *testing.T) {
	for name, c := range map[string]struct {
		caller string // editor, ada, anonymous
		change func(t *testing.T, s *streaming) error
		want   string
	}{
		"disabled": {"editor", func(t *testing.T, s *streaming) error {
			return s.ring.Disable(t.Context(), s.ids[s.editor])
		}, "401 disabled_key"},
		"invalidated": {"editor", func(t *testing.T, s *streaming) error {
			return s.ring.Invalidate(t.Context(), s.ids[s.editor])
		}, "401 invalidated_key"},
		"refreshed": {"editor", func(t *testing.T, s *streaming) error {
			_, err := s.ring.Refresh(t.Context(), s.ids[s.editor], keys.Renewal{})
			return err
		}, "401 invalid_key"},
		"refreshed with overlap": {"editor", func(t *testing.T, s *streaming) error {
			_, err := s.ring.Refresh(t.Context(), s.ids[s.editor], keys.Renewal{Overlap: time.Hour})
			return err
		}, ""},
		"another key is disabled": {"editor", func(t *testing.T, s *streaming) error {
			return s.ring.Disable(t.Context(), s.ids[s.ada])
		}, ""},
		"all keys of the user": {"ada", func(t *testing.T, s *streaming) error {
			_, err := s.ring.InvalidateUser(t.Context(), "ada")
			return err
		}, "401 invalidated_key"},
		"the user is deactivated": {"ada", func(_ *testing.T, s *streaming) error {
			s.users.set(auth.User{ID: "ada", Role: "viewer"})
			s.cache.Forget("ada")
			return nil
		}, "401 inactive_owner"},
		"the user has no role any more": {"ada", func(_ *testing.T, s *streaming) error {
			s.users.set(auth.User{ID: "ada", Active: true})
			s.cache.Forget()
			return nil
		}, "403 no_role"},
		"the user has another role": {"ada", func(_ *testing.T, s *streaming) error {
			s.users.set(auth.User{ID: "ada", Role: "editor", Active: true})
			s.cache.Forget("ada")
			return nil
		}, ""},
		"the role is deleted": {"editor", func(t *testing.T, s *streaming) error {
			return s.roles.Delete(t.Context(), "editor")
		}, "403 no_role"},
		"the role is edited": {"editor", func(t *testing.T, s *streaming) error {
			return s.roles.Save(t.Context(), roles.Role{AppID: "editor"})
		}, ""},
		"the address is not allowed any more": {"editor", func(t *testing.T, s *streaming) error {
			_, err := s.ring.Update(t.Context(), s.ids[s.editor], func(set *keys.Settings) error {
				set.AllowedIPs = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
				return nil
			})
			return err
		}, "401 address_not_allowed"},
		"the public API is closed": {"anonymous", func(_ *testing.T, s *streaming) error {
			s.public.set("", nil)
			s.public.announce(auth.Change{})
			return nil
		}, "401 missing_key"},
		"the public role is deleted": {"anonymous", func(t *testing.T, s *streaming) error {
			return s.roles.Delete(t.Context(), "viewer")
		}, "401 missing_key"},
		"a key is disabled": {"anonymous", func(t *testing.T, s *streaming) error {
			return s.ring.Disable(t.Context(), s.ids[s.editor])
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStreaming(t)
				ctx := follow(t, s.guard, map[string]string{"editor": s.editor, "ada": s.ada}[c.caller])
				require.Empty(t, ended(ctx))
				began := time.Now()
				require.NoError(t, c.change(t, s))
				require.Equal(t, c.want, ended(ctx))
				require.Zero(t, time.Since(began))
				if c.want == "" {
					time.Sleep(30 * time.Minute)
					require.Empty(t, ended(ctx))
				}
			})
		})
	}
}

// A stream is checked after a change of the caller's key or user, or one that may concern every caller, and after no
// other change. Here the caller's access has already ended, so a check ends the stream.
func TestFollowChecksAfterChangesOfTheCaller(t *testing.T) {
	for _, c := range []struct {
		caller string // ada, anonymous
		change auth.Change
		want   string
	}{
		{"ada", auth.Change{}, "401 inactive_owner"},
		{"ada", auth.Change{KeyID: "ada's"}, "401 inactive_owner"},
		{"ada", auth.Change{UserID: "ada"}, "401 inactive_owner"},
		{"ada", auth.Change{KeyID: "another", UserID: "ada"}, "401 inactive_owner"},
		{"ada", auth.Change{KeyID: "another"}, ""},
		{"ada", auth.Change{UserID: "bob"}, ""},
		{"ada", auth.Change{KeyID: "another", UserID: "bob"}, ""},
		{"anonymous", auth.Change{}, "401 missing_key"},
		{"anonymous", auth.Change{KeyID: "another"}, ""},
		{"anonymous", auth.Change{UserID: "bob"}, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			public := &announced{watchers: map[*func(auth.Change)]bool{}}
			public.set("viewer", nil)
			w := newWorld(t, func(c *auth.Config) {
				c.Anonymous, c.Changes = public, []func(func(auth.Change)) func(){public.Watch}
			})
			ctx := follow(t, w.guard, map[string]string{"ada": w.ada}[c.caller])
			w.users.set(auth.User{ID: "ada", Role: "viewer"})
			public.set("", nil)
			if c.change.KeyID == "ada's" {
				c.change.KeyID = w.ids[w.ada]
			}
			public.announce(c.change)
			require.Equal(t, c.want, ended(ctx), "%s: %+v", c.caller, c.change)
		})
	}
}

// A change that is not reported ends a stream within five seconds.
func TestFollowFindsOtherChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		ctx := follow(t, w.guard, w.ada)
		time.Sleep(time.Hour)
		require.Empty(t, ended(ctx))
		w.users.set(auth.User{ID: "ada", Role: "viewer"})
		require.Empty(t, ended(ctx), "not reported")
		time.Sleep(5 * time.Second)
		require.Equal(t, "401 inactive_owner", ended(ctx))
		asks := w.users.asks
		time.Sleep(time.Hour)
		require.Equal(t, asks, w.users.asks, "it asks no more")
	})
}

func TestFollowEndsAsTheKeyExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		key := w.custom(keys.Custom{Name: "short", Role: "viewer", ExpiresAt: time.Now().Add(time.Minute)})
		ctx := follow(t, w.guard, key)
		time.Sleep(time.Minute - time.Millisecond)
		require.Empty(t, ended(ctx))
		time.Sleep(time.Millisecond)
		require.Equal(t, "401 expired_key", ended(ctx))
	})
}

// A store error ends nothing at once. After ten seconds without an answer it does.
func TestFollowAndStoreErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		fail := func(err error) {
			w.users.mu.Lock()
			defer w.users.mu.Unlock()
			w.users.err = err
		}
		ctx := follow(t, w.guard, w.ada)
		for range 10 {
			fail(errDown)
			time.Sleep(4 * time.Second)
			require.Empty(t, ended(ctx))
			fail(nil)
			time.Sleep(5 * time.Second)
		}
		fail(errDown)
		time.Sleep(4 * time.Second)
		w.users.set(auth.User{ID: "ada", Role: "viewer"})
		fail(nil)
		time.Sleep(time.Second)
		require.Equal(t, "401 inactive_owner", ended(ctx), "a verdict a second after the store is back")

		w.users.set(auth.User{ID: "ada", Role: "viewer", Active: true})
		ctx = follow(t, w.guard, w.ada)
		fail(errDown)
		time.Sleep(9 * time.Second)
		require.Empty(t, ended(ctx))
		time.Sleep(time.Second)
		require.Equal(t, "503 store_failed", ended(ctx))
		require.NotContains(t, context.Cause(ctx).Error(), "hunter2")

		ctx = follow(t, w.guard, w.editor)
		require.Empty(t, ended(ctx), "a custom key has no user")
	})
}

// While no policy is known, a stream ends like that too; and one that begins then.
func TestFollowWithoutAPolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &live{}
		w := newWorld(t, func(c *auth.Config) { c.Roles = source })
		ctx := follow(t, w.guard, w.editor)
		time.Sleep(9 * time.Second)
		require.Empty(t, ended(ctx))
		time.Sleep(time.Second)
		require.Equal(t, "503 no_policy", ended(ctx))
	})
}

// A key that expires while its store fails, or hangs, is not good for longer.
func TestFollowEndsWithTheKeyWhileAStoreFails(t *testing.T) {
	for name, find := range map[string]func(context.Context) (keys.Record, error){
		"fails": func(context.Context) (keys.Record, error) { return keys.Record{}, errDown },
		"hangs": func(ctx context.Context) (keys.Record, error) { <-ctx.Done(); return keys.Record{}, ctx.Err() },
	} {
		synctest.Test(t, func(t *testing.T) {
			store := &faulty{Store: keys.NewMemoryStore()}
			ring, err := keys.Open(keys.Config{Store: store})
			require.NoError(t, err)
			defer ring.Close(context.Background())
			issued, err := ring.IssueCustom(t.Context(), keys.Custom{Name: "x", Role: "editor", ExpiresAt: time.Now().Add(7 * time.Second)})
			require.NoError(t, err)
			guard, err := auth.New(auth.Config{Keys: ring, Roles: roles.MustCompile(editor)})
			require.NoError(t, err)
			ctx := follow(t, guard, issued.Key.Reveal())
			time.Sleep(time.Second)
			store.find.set(find)
			time.Sleep(6*time.Second - time.Millisecond)
			require.Empty(t, ended(ctx), name)
			time.Sleep(2 * time.Second) // a check that hangs is given up after a second
			require.Equal(t, "503 store_failed", ended(ctx), name)
		})
	}
}

// A change between the request and Follow is found before Follow returns.
func TestFollowChecksFirst(t *testing.T) {
	w := newWorld(t)
	p, err := w.guard.Check(request("/", "api-key", w.editor))
	require.NoError(t, err)
	require.NoError(t, w.ring.Disable(t.Context(), w.ids[w.editor]))
	ctx, stop := auth.Follow(auth.NewContext(t.Context(), p))
	defer stop()
	require.Equal(t, auth.ReasonDisabledKey, context.Cause(ctx).(*auth.Refusal).Reason)
}

func TestFollowWithoutACaller(t *testing.T) {
	ctx, stop := auth.Follow(t.Context())
	stop()
	require.Equal(t, auth.ReasonMissingKey, context.Cause(ctx).(*auth.Refusal).Reason)

	w := newWorld(t, func(c *auth.Config) { c.Anonymous = nil })
	require.Equal(t, auth.ReasonMissingKey, context.Cause(follow(t, w.guard, "")).(*auth.Refusal).Reason)
}
