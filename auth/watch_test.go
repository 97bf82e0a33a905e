package auth_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// heard collects changes.
type heard struct {
	mu  sync.Mutex
	all []auth.Change
}

func (h *heard) note(c auth.Change) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, c)
}

// take returns what was heard since it was last asked.
func (h *heard) take() []auth.Change {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := h.all
	h.all = nil
	return all
}

// telling is a public role that tells of changes, as a host's own may.
type telling struct {
	switchable
	f func(auth.Change)
}

func (s *telling) Watch(f func(auth.Change)) func() { s.f = f; return func() { s.f = nil } }

func TestWatch(t *testing.T) {
	ctx := context.Background()
	directory, err := roles.Open(ctx, roles.Config{Store: roles.NewMemoryStore(viewer, editor)})
	require.NoError(t, err)
	defer directory.Close(ctx)
	public := &telling{}
	var cache *auth.UserCache
	w := newWorld(t, func(c *auth.Config) {
		cache = auth.CacheUsers(c.Users, time.Hour)
		c.Roles, c.Users, c.Anonymous = directory, cache, public
		c.RoleChanges, c.Changes = directory.Watch, []func(func(auth.Change)) func(){cache.Watch, public.Watch}
	})
	var h heard
	stop := w.guard.Watch(h.note)

	id := w.ids[w.editor]
	require.NoError(t, w.ring.Disable(ctx, id))
	require.Equal(t, []auth.Change{{KeyID: id}}, h.take())
	_, err = w.ring.InvalidateUser(ctx, "ada")
	require.NoError(t, err)
	require.Equal(t, []auth.Change{{KeyID: w.ids[w.ada], UserID: "ada"}}, h.take())
	_, err = w.ring.In("elsewhere").IssueCustom(ctx, keys.Custom{})
	require.NoError(t, err)
	require.Empty(t, h.take(), "another space")
	require.NoError(t, directory.Save(ctx, roles.Role{AppID: "viewer"}))
	told := h.take()
	require.NotEmpty(t, told)
	require.Equal(t, auth.Change{}, told[0], "a role may concern any caller")
	cache.Forget("ada")
	cache.Forget()
	require.Equal(t, []auth.Change{{UserID: "ada"}, {}}, h.take())
	public.f(auth.Change{})
	require.Equal(t, []auth.Change{{}}, h.take())

	stop()
	stop()
	require.NoError(t, w.ring.Enable(ctx, id))
	require.NoError(t, directory.Save(ctx, roles.Role{AppID: "editor"}))
	cache.Forget("ada")
	require.Nil(t, public.f)
	require.Empty(t, h.take())
}

// What changed is there for who asks from inside the watcher's goroutine, as soon as it is told.
func TestAChangeIsToldOnceItIsThere(t *testing.T) {
	w := newWorld(t, func(c *auth.Config) { c.Users = auth.CacheUsers(c.Users, time.Hour) })
	told := make(chan struct{}, 1)
	defer w.guard.Watch(func(auth.Change) { told <- struct{}{} })()
	p, err := w.guard.Check(request("/", "api-key", w.editor))
	require.NoError(t, err)
	go func() { _ = w.ring.Disable(context.Background(), w.ids[w.editor]) }()
	<-told
	_, err = auth.Recheck(auth.NewContext(t.Context(), p))
	require.Error(t, err)
}

func TestAWatcherThatPanicsStopsNobody(t *testing.T) {
	cache := auth.CacheUsers(auth.UserMap{}, time.Hour)
	var h heard
	defer cache.Watch(func(auth.Change) { panic("x") })()
	defer cache.Watch(h.note)()
	cache.Forget("ada")
	cache.Forget()
	require.Len(t, h.take(), 2)
}

func TestAGuardWithNothingToWatch(t *testing.T) {
	w := newWorld(t) // a fixed policy, a plain table, no Changes
	w.guard.Watch(func(auth.Change) { t.Error("heard something") })()
	w.guard.Watch(nil)()
	new(auth.Guard).Watch(func(auth.Change) {})()
	require.NoError(t, w.ring.Disable(t.Context(), w.ids[w.editor]))
}

func TestClearForgetsEverybody(t *testing.T) {
	users := &table{rows: map[string]auth.User{"ada": {ID: "ada", Active: true}, "bob": {ID: "bob", Active: true}}}
	cache := auth.CacheUsers(users, time.Hour)
	ask := func(id string) bool {
		u, _ := cache.User(t.Context(), id)
		return u.Active
	}
	require.True(t, ask("ada") && ask("bob") && !ask("eve"))
	users.set(auth.User{ID: "ada"})
	users.set(auth.User{ID: "eve", Active: true})
	require.True(t, ask("ada") && !ask("eve"), "not yet")
	cache.Forget()
	require.True(t, !ask("ada") && ask("bob") && ask("eve"))
}

// slow is a table that answers when it is told to.
type slow struct{ asked, answer chan auth.User }

func (s slow) User(context.Context, string) (auth.User, error) {
	s.asked <- auth.User{}
	return <-s.answer, nil
}

func TestAnAnswerFromBeforeClearIsNotKept(t *testing.T) {
	s := slow{make(chan auth.User), make(chan auth.User, 2)}
	cache := auth.CacheUsers(s, time.Hour)
	done := make(chan auth.User)
	ask := func() { u, _ := cache.User(context.Background(), "ada"); done <- u }
	go ask()
	<-s.asked
	cache.Forget()
	s.answer <- auth.User{ID: "ada", Role: "old"}
	require.Equal(t, "old", (<-done).Role)
	go ask()
	<-s.asked
	s.answer <- auth.User{ID: "ada", Role: "new"}
	require.Equal(t, "new", (<-done).Role)
}
