package publicapi_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// faulty is a store that fails, hangs, or calls a function after a Load.
type faulty struct {
	publicapi.MemoryStore
	failSave, failLoad, hang atomic.Bool
	release                  chan struct{}
	afterLoad                func()
}

func (f *faulty) Load(ctx context.Context) (publicapi.Setting, error) {
	if f.hang.Load() {
		<-f.release
	}
	if f.failLoad.Load() {
		return publicapi.Setting{}, errDown
	}
	s, err := f.MemoryStore.Load(ctx)
	if then := f.afterLoad; then != nil {
		f.afterLoad = nil
		then()
	}
	return s, err
}

func (f *faulty) Save(ctx context.Context, s publicapi.Setting) error {
	if f.failSave.Load() {
		return errDown
	}
	return f.MemoryStore.Save(ctx, s)
}

// over saves s over the stored setting, as another node would.
func over(t *testing.T, store publicapi.Store, s publicapi.Setting) error {
	t.Helper()
	was, err := store.Load(t.Context())
	require.NoError(t, err)
	s.Revision = was.Revision
	return store.Save(t.Context(), s)
}

// newLive returns a service over roles that can be deleted. The public role is visitor.
func newLive(t *testing.T) (*publicapi.Service, *roles.Directory, *faulty) {
	t.Helper()
	directory, err := roles.Open(t.Context(), roles.Config{Store: roles.NewMemoryStore(visitor, author)})
	require.NoError(t, err)
	t.Cleanup(func() { _ = directory.Close(context.Background()) })
	store := &faulty{release: make(chan struct{})}
	require.NoError(t, store.Save(t.Context(), publicapi.Setting{Role: "visitor"}))
	s, err := publicapi.New(publicapi.Config{Store: store, Directory: directory, Catalog: catalog(t), Staleness: publicapi.AlwaysAsk})
	require.NoError(t, err)
	return s, directory, store
}

// requireClosed checks a service after a role was deleted and one of the same name saved.
func requireClosed(t *testing.T, s *publicapi.Service) {
	t.Helper()
	role, err := s.PublicRole(t.Context())
	require.NoError(t, err)
	require.Empty(t, role, "a role of that name that comes later is another role")
	now, err := s.Current(t.Context())
	require.NoError(t, err)
	require.Empty(t, now.Role)
}

func TestADeletedRoleClosesThePublicAPIForGood(t *testing.T) {
	directory, err := roles.Open(t.Context(), roles.Config{Store: roles.NewMemoryStore(visitor, author)})
	require.NoError(t, err)
	defer directory.Close(context.Background())
	s, err := publicapi.New(publicapi.Config{Store: publicapi.NewMemoryStore(), Directory: directory, Catalog: catalog(t)})
	require.NoError(t, err)
	require.NoError(t, open(t.Context(), s, "visitor"))
	ring := keys.NewRing(keys.NewMemoryStore())
	guard, err := auth.New(auth.Config{Keys: ring, Roles: directory, Anonymous: s})
	require.NoError(t, err)
	status := func() int {
		w := httptest.NewRecorder()
		guard.Require("content/posts/read", http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		return w.Code
	}
	require.Equal(t, 404, status())

	require.NoError(t, directory.Delete(t.Context(), "author"))
	require.Equal(t, 404, status(), "another role")
	require.NoError(t, directory.Save(t.Context(), roles.Role{AppID: "visitor", Permissions: roles.Grants{"content/posts/read": true}}))
	require.Equal(t, 404, status(), "an edited role")

	require.NoError(t, directory.Delete(t.Context(), "visitor"))
	require.NoError(t, directory.Save(t.Context(), visitor))
	require.Equal(t, 401, status(), "a role of that name that comes later is another role: nothing but Set opens the public API")
	now, err := s.Current(t.Context())
	require.NoError(t, err)
	require.Empty(t, now.Role)
	require.NoError(t, open(t.Context(), s, "visitor"))
	require.Equal(t, 404, status())
}

func TestADeletedRoleStaysClosedWhileTheStoreCannotSaveIt(t *testing.T) {
	directory, err := roles.Open(t.Context(), roles.Config{Store: roles.NewMemoryStore(visitor)})
	require.NoError(t, err)
	defer directory.Close(context.Background())
	store := &faulty{}
	require.NoError(t, store.Save(t.Context(), publicapi.Setting{Role: "visitor"}))
	s, err := publicapi.New(publicapi.Config{Store: store, Directory: directory, Catalog: catalog(t), Staleness: publicapi.AlwaysAsk})
	require.NoError(t, err)

	store.failSave.Store(true)
	require.NoError(t, directory.Delete(t.Context(), "visitor"), "though no request had needed the public role yet")
	require.NoError(t, directory.Save(t.Context(), visitor))
	role, err := s.PublicRole(t.Context())
	require.ErrorIs(t, err, errDown)
	require.Empty(t, role)
	now, err := s.Current(t.Context())
	require.NoError(t, err)
	require.Empty(t, now.Role)

	store.failSave.Store(false)
	role, err = s.PublicRole(t.Context())
	require.NoError(t, err)
	require.Empty(t, role)
	setting, _ := store.Load(t.Context())
	require.Empty(t, setting.Role, "now it is closed in the store too")
	require.Equal(t, "role visitor was deleted", setting.ChangedBy)
	require.NoError(t, open(t.Context(), s, "visitor"))
	role, _ = s.PublicRole(t.Context())
	require.Equal(t, "visitor", role)
}

// The role was deleted while no service was running.
func TestARoleThatWasDeletedElsewhereStaysClosed(t *testing.T) {
	rs, setting := roles.NewMemoryStore(visitor), publicapi.NewMemoryStore()
	require.NoError(t, setting.Save(t.Context(), publicapi.Setting{Role: "visitor"}))
	_, revision, err := rs.Load(t.Context())
	require.NoError(t, err)
	require.NoError(t, rs.Delete(t.Context(), "visitor", revision))

	directory, err := roles.Open(t.Context(), roles.Config{Store: rs})
	require.NoError(t, err)
	defer directory.Close(context.Background())
	s, err := publicapi.New(publicapi.Config{Store: setting, Directory: directory, Staleness: publicapi.AlwaysAsk})
	require.NoError(t, err)
	role, err := s.PublicRole(t.Context())
	require.NoError(t, err)
	require.Empty(t, role)
	require.NoError(t, directory.Save(t.Context(), roles.Role{AppID: "visitor", Permissions: roles.Grants{"**": true}}))
	role, err = s.PublicRole(t.Context())
	require.NoError(t, err)
	require.Empty(t, role, "a role of that name that comes later is another role")
}

// A node that has not loaded a new role yet must not treat it as deleted.
func TestARoleThatAnotherNodeMadeIsNotTakenForDeleted(t *testing.T) {
	rs, setting := roles.NewMemoryStore(), publicapi.NewMemoryStore()
	here, err := roles.Open(t.Context(), roles.Config{Store: rs})
	require.NoError(t, err)
	defer here.Close(context.Background())
	elsewhere, err := roles.Open(t.Context(), roles.Config{Store: rs})
	require.NoError(t, err)
	defer elsewhere.Close(context.Background())
	s, err := publicapi.New(publicapi.Config{Store: setting, Directory: here, Staleness: publicapi.AlwaysAsk})
	require.NoError(t, err)

	require.NoError(t, elsewhere.Save(t.Context(), visitor))
	require.NoError(t, setting.Save(t.Context(), publicapi.Setting{Role: "visitor"}))
	role, err := s.PublicRole(t.Context())
	require.NoError(t, err)
	require.Equal(t, "visitor", role)
}

// Another node made another role public, and this one has not read the setting since.
func TestADeletedRoleThatAnotherNodeMadePublic(t *testing.T) {
	s, directory, store := newLive(t)
	role, err := s.PublicRole(t.Context())
	require.NoError(t, err)
	require.Equal(t, "visitor", role)
	require.NoError(t, over(t, store, publicapi.Setting{Role: "author"}))
	require.NoError(t, directory.Delete(t.Context(), "author"))
	require.NoError(t, directory.Save(t.Context(), author))
	requireClosed(t, s)
}

func TestADeletionIsNotForgottenBecauseTheStoreCannotBeRead(t *testing.T) {
	s, directory, store := newLive(t)
	require.NoError(t, directory.Delete(t.Context(), "author"))
	store.failLoad.Store(true)
	require.NoError(t, directory.Delete(t.Context(), "visitor"))
	store.failLoad.Store(false)
	require.NoError(t, directory.Save(t.Context(), visitor))
	requireClosed(t, s)
}

// A conflict does not mean that another node closed the setting: a node that does not know of the deletion may have opened
// the same role.
func TestADeletionOutlivesAConflict(t *testing.T) {
	s, directory, store := newLive(t)
	require.NoError(t, directory.Delete(t.Context(), "author"))
	store.afterLoad = func() {
		require.NoError(t, over(t, &store.MemoryStore, publicapi.Setting{Role: "visitor"}))
	}
	require.NoError(t, directory.Delete(t.Context(), "visitor"))
	require.NoError(t, directory.Save(t.Context(), visitor))
	requireClosed(t, s)
}

func TestSetMeetsADeletion(t *testing.T) {
	s, directory, store := newLive(t)
	require.NoError(t, directory.Delete(t.Context(), "author"))
	require.NoError(t, s.Disable(t.Context(), "ada"))
	preview, err := s.Preview(t.Context(), "visitor")
	require.NoError(t, err)
	store.afterLoad = func() { require.NoError(t, directory.Delete(t.Context(), "visitor")) }
	require.ErrorIs(t, s.Set(t.Context(), publicapi.Opening{Role: "visitor", By: "ada", Token: preview.Token}), publicapi.ErrRole)
	require.NoError(t, directory.Save(t.Context(), visitor))
	requireClosed(t, s)
}

// A hanging store of the setting must not block the roles, on which every caller with a key depends.
func TestAHungSettingDoesNotTakeTheRolesWithIt(t *testing.T) {
	_, directory, store := newLive(t)
	store.hang.Store(true)
	defer close(store.release)
	began := time.Now()
	require.NoError(t, directory.Delete(t.Context(), "author"))
	require.Less(t, time.Since(began), 3*time.Second)
	require.NotNil(t, directory.Policy())
	require.NoError(t, directory.Save(t.Context(), author))
}
