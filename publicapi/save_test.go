package publicapi_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// saving is a store that calls saved after each Save and before it returns.
type saving struct {
	*faulty
	saved func()
}

func (s *saving) Save(ctx context.Context, setting publicapi.Setting) error {
	err := s.faulty.Save(ctx, setting)
	s.saved()
	return err
}

// Load takes a millisecond, so that time passes for a caller who polls.
func (s *saving) Load(ctx context.Context) (publicapi.Setting, error) {
	time.Sleep(time.Millisecond)
	return s.faulty.Load(ctx)
}

// A write that is stored and has not returned yet acts already: no request is judged by the cached setting meanwhile.
func TestAWriteUnderWayActsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &saving{faulty: new(faulty), saved: func() {}}
		s, err := publicapi.New(publicapi.Config{Store: store, Roles: roles.MustCompile(visitor), Catalog: catalog(t), Staleness: staleness})
		require.NoError(t, err)
		defer s.Close(context.Background())
		require.NoError(t, open(t.Context(), s, "visitor"))
		time.Sleep(3 * time.Second)
		require.Equal(t, "visitor", public(t, s))

		store.saved = func() { time.Sleep(200 * time.Millisecond) }
		go s.Disable(t.Context(), "ada")
		time.Sleep(50 * time.Millisecond)
		require.Empty(t, public(t, s), "it is stored, and Disable still waits")
		time.Sleep(time.Minute)
		require.Empty(t, public(t, s))
	})
}

// If the role was deleted since the preview, and the store cannot close the public API again, Set returns the store's
// error and not nil.
func TestSetMeetsADeletionAndAFailingStore(t *testing.T) {
	directory, err := roles.Open(t.Context(), roles.Config{Store: roles.NewMemoryStore(visitor)})
	require.NoError(t, err)
	defer directory.Close(context.Background())
	store := &saving{faulty: new(faulty)}
	store.saved = func() { store.failLoad.Store(true) }
	s, err := publicapi.New(publicapi.Config{Store: store, Directory: directory, Catalog: catalog(t), Staleness: publicapi.AlwaysAsk})
	require.NoError(t, err)
	preview, err := s.Preview(t.Context(), "visitor")
	require.NoError(t, err)
	store.afterLoad = func() { require.NoError(t, directory.Delete(t.Context(), "visitor")) }
	require.ErrorIs(t, s.Set(t.Context(), publicapi.Opening{Role: "visitor", By: "ada", Token: preview.Token}), errDown)
}

// Set does not report success if every try met another change.
func TestSetMeetsManyConflicts(t *testing.T) {
	store := &conflicting{}
	s := newService(t, store)
	require.ErrorIs(t, open(t.Context(), s, "visitor"), publicapi.ErrConflict)
	require.ErrorIs(t, s.Disable(t.Context(), "ada"), publicapi.ErrConflict)
}

type conflicting struct{ publicapi.MemoryStore }

func (*conflicting) Save(context.Context, publicapi.Setting) error { return publicapi.ErrConflict }

func TestMemoryStoreGivesUpWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	store := publicapi.NewMemoryStore()
	require.ErrorIs(t, store.Save(ctx, publicapi.Setting{Role: "visitor"}), context.Canceled)
	_, err := store.Load(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

// If several roles are deleted at once, the public one is among them wherever it stands in the order.
func TestSeveralRolesAreDeletedAtOnce(t *testing.T) {
	inner := roles.NewMemoryStore(visitor, author, roles.Role{AppID: "zoe"})
	directory, err := roles.Open(t.Context(), roles.Config{Store: inner})
	require.NoError(t, err)
	defer directory.Close(context.Background())
	store := publicapi.NewMemoryStore()
	require.NoError(t, store.Save(t.Context(), publicapi.Setting{Role: "visitor"}))
	s, err := publicapi.New(publicapi.Config{Store: store, Directory: directory, Catalog: catalog(t)})
	require.NoError(t, err)
	defer s.Close(context.Background())
	for _, appid := range []string{"author", "visitor", "zoe"} {
		_, revision, err := inner.Load(t.Context())
		require.NoError(t, err)
		require.NoError(t, inner.Delete(t.Context(), appid, revision))
	}
	require.NoError(t, directory.Reload(t.Context()))
	require.Eventually(t, func() bool {
		setting, err := store.Load(t.Context())
		return err == nil && setting.Role == ""
	}, 5*time.Second, time.Millisecond)
}
