package adminapi_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

var errDisk = errors.New("disk full")

// A log is an audit log that tests break. It comes last in a transaction, so all that was done before is undone.
type log struct {
	*audit.MemoryLog
	broken atomic.Bool
}

func (l *log) Append(ctx context.Context, r audit.Record) error {
	if l.broken.Load() {
		return errDisk
	}
	return l.MemoryLog.Append(ctx, r)
}

// A node is one of several programs over one database.
type node struct {
	ring      *keys.Ring
	directory *roles.Directory
	public    *publicapi.Service
	service   *admin.Service
	guard     *auth.Guard
	log       *log
}

func newNode(t *testing.T, file string) *node {
	ctx := t.Context()
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.NoError(t, sqlstore.Migrate(ctx, db, sqlstore.SQLite))
	store, err := sqlstore.Open(ctx, db, sqlstore.SQLite)
	require.NoError(t, err)
	t.Cleanup(func() { _ = store.Close() })
	n := &node{log: &log{MemoryLog: audit.NewMemoryLog(0)}}
	n.ring, err = keys.Open(keys.Config{Store: store.Keys(), StoreTimeout: 10 * time.Second})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, n.ring.Close(context.Background())) })
	n.directory, err = roles.Open(ctx, roles.Config{Store: store.Roles(), Timeout: 10 * time.Second})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, n.directory.Close(context.Background())) })
	n.public, err = publicapi.New(publicapi.Config{Store: store.PublicAPI(), Roles: n.directory})
	require.NoError(t, err)
	n.guard, err = auth.New(auth.Config{Keys: n.ring, Roles: n.directory, Anonymous: n.public})
	require.NoError(t, err)
	n.service, err = admin.New(admin.Config{Keys: n.ring, Guard: n.guard, Roles: n.directory, RoleStore: store.Roles(),
		Public: n.public, Audit: n.log, InTx: store.InTx, Timeout: time.Minute})
	require.NoError(t, err)
	return n
}

func (n *node) root() auth.Principal { return n.guard.PrincipalForRole(roles.Admin) }

// TestAChangeAndItsRecordAreOneStep breaks the audit log: nothing of any change is left.
func TestAChangeAndItsRecordAreOneStep(t *testing.T) {
	n, ctx := newNode(t, filepath.Join(t.TempDir(), "keys.db")), t.Context()
	editor := roles.Role{AppID: "editor", Permissions: roles.Grants{"content/**": true}}
	require.NoError(t, n.service.CreateRole(ctx, n.root(), editor))
	_, err := n.service.OpenPublic(ctx, n.root(), "editor", "", "content/**")
	require.NoError(t, err)
	made, err := n.service.CreateKey(ctx, n.root(), keys.Custom{Role: "editor"})
	require.NoError(t, err)
	state := func() (all []any) {
		list, err := n.ring.List(ctx, keys.Filter{})
		require.NoError(t, err)
		setting, err := n.public.Current(ctx)
		require.NoError(t, err)
		require.NoError(t, n.directory.Reload(ctx))
		return append(all, list, setting, n.directory.Policy().Roles())
	}
	before := state()
	usage, err := n.service.RoleUsage(ctx, n.root(), "editor")
	require.NoError(t, err)
	id := made.Record.ID
	n.log.broken.Store(true)
	for name, try := range map[string]func() error{
		"create":     func() error { _, err := n.service.CreateKey(ctx, n.root(), keys.Custom{}); return err },
		"refresh":    func() error { _, err := n.service.RefreshKey(ctx, n.root(), id, "", keys.Renewal{}); return err },
		"disable":    func() error { _, err := n.service.DisableKey(ctx, n.root(), id, ""); return err },
		"invalidate": func() error { _, err := n.service.InvalidateKey(ctx, n.root(), id, ""); return err },
		"role":       func() error { return n.service.CreateRole(ctx, n.root(), roles.Role{AppID: "other"}) },
		"delete":     func() error { return n.service.DeleteRole(ctx, n.root(), "editor", "", usage.Confirm) },
		"close":      func() error { _, err := n.service.ClosePublic(ctx, n.root(), ""); return err },
	} {
		require.ErrorIs(t, try(), errDisk, name)
		require.Equal(t, before, state(), name)
	}
	_, err = n.ring.Verify(ctx, made.Key.Reveal())
	require.NoError(t, err, "the key is as good as before")

	n.log.broken.Store(false)
	require.NoError(t, n.service.DeleteRole(ctx, n.root(), "editor", "", usage.Confirm))
	rec, err := n.ring.Get(ctx, id)
	require.NoError(t, err)
	require.Empty(t, rec.Role)
	setting, err := n.public.Current(ctx)
	require.NoError(t, err)
	require.Empty(t, setting.Role)
}

// TestDemotedOnAnotherNode takes a permission from a role on one node, while a holder makes keys on another. What
// that node knows of the roles is old; what counts is what the transaction reads.
func TestDemotedOnAnotherNode(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys.db")
	a, b, ctx := newNode(t, file), newNode(t, file), t.Context()
	keeper := roles.Role{AppID: "keeper", Permissions: roles.Grants{admin.ManageAPI: true, "content/**": true}}
	require.NoError(t, a.service.CreateRole(ctx, a.root(), keeper))
	require.NoError(t, b.directory.Reload(ctx))
	by := b.guard.PrincipalForRole("keeper")
	var late atomic.Int32
	demoted := make(chan struct{})
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			for range 8 {
				over := false
				select {
				case <-demoted:
					over = true
				default:
				}
				_, err := b.service.CreateKey(ctx, by, keys.Custom{Role: "keeper", Scopes: []string{"content/**"}})
				if err != nil && !errors.Is(err, admin.ErrForbidden) {
					t.Error(err)
				}
				if over && err == nil {
					late.Add(1)
				}
			}
		})
	}
	group.Go(func() {
		time.Sleep(5 * time.Millisecond)
		keeper.Permissions = roles.Grants{admin.ManageAPI: true, "content/secrets/read": false}
		if err := a.service.UpdateRole(ctx, a.root(), keeper, ""); err != nil {
			t.Error(err)
		}
		keeper.Permissions = roles.Grants{"content/**": true}
		if err := a.service.UpdateRole(ctx, a.root(), keeper, ""); err != nil {
			t.Error(err)
		}
		close(demoted)
	})
	group.Wait()
	require.Zero(t, late.Load())
	_, err := b.service.CreateKey(ctx, by, keys.Custom{})
	require.ErrorIs(t, err, admin.ErrForbidden)
}
