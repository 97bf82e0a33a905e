package adminapi_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// TestAChangeAndItsRecordAreOneStep breaks the audit log: each change is rolled back.
func TestAChangeAndItsRecordAreOneStep(t *testing.T) { each(t, oneStep) }

func oneStep(t *testing.T, open func() *sqlstore.Store) {
	n, ctx := newNode(t, open()), t.Context()
	editor := roles.Role{AppID: "editor", Permissions: roles.Grants{"content/**": true}}
	require.NoError(t, n.service.CreateRole(ctx, n.root(), editor))
	err := n.open(ctx, "editor")
	require.NoError(t, err)
	made, err := n.service.CreateKey(ctx, n.root(), keys.Custom{Role: "editor"})
	require.NoError(t, err)
	state := func() (all []any) {
		list, err := n.ring.List(ctx, keys.Filter{})
		require.NoError(t, err)
		setting, err := n.public.Current(ctx)
		require.NoError(t, err)
		require.NoError(t, n.directory.Reload(ctx))
		records, err := n.log.List(ctx, audit.Filter{})
		require.NoError(t, err)
		return append(all, list, setting, n.directory.Policy().Roles(), records)
	}
	before := state()
	usage, err := n.service.RoleUsage(ctx, n.root(), "editor")
	require.NoError(t, err)
	id := made.Record.ID
	n.log.broken.Store(true)
	for name, try := range map[string]func() error{
		"create":  func() error { _, err := n.service.CreateKey(ctx, n.root(), keys.Custom{}); return err },
		"refresh": func() error { _, err := n.service.RefreshKey(ctx, n.root(), id, "", keys.Renewal{}); return err },
		"disable": func() error { _, err := n.service.SetKeyState(ctx, n.root(), id, "", keys.StateDisabled); return err },
		"invalidate": func() error {
			_, err := n.service.SetKeyState(ctx, n.root(), id, "", keys.StateInvalidated)
			return err
		},
		"role": func() error { return n.service.CreateRole(ctx, n.root(), roles.Role{AppID: "other"}) },
		"delete": func() error {
			return n.service.DeleteRole(ctx, n.root(), "editor", admin.Confirmation{Token: usage.Confirm})
		},
		"close": func() error { _, err := n.service.ClosePublic(ctx, n.root(), ""); return err },
	} {
		require.ErrorIs(t, try(), errDisk, name)
		require.Equal(t, before, state(), name)
	}
	_, err = n.ring.Verify(ctx, made.Key.Reveal())
	require.NoError(t, err, "the key is as good as before")

	n.log.broken.Store(false)
	require.NoError(t, n.service.DeleteRole(ctx, n.root(), "editor", admin.Confirmation{Token: usage.Confirm}))
	rec, err := n.ring.Get(ctx, id)
	require.NoError(t, err)
	require.Empty(t, rec.Role)
	setting, err := n.public.Current(ctx)
	require.NoError(t, err)
	require.Empty(t, setting.Role)
}

// TestDemotedOnAnotherNode takes a permission from a role on one node, while a user of the role makes keys on
// another. That node's cached roles are old; the roles that the transaction reads decide.
func TestDemotedOnAnotherNode(t *testing.T) { each(t, demoted) }

func demoted(t *testing.T, open func() *sqlstore.Store) {
	a, b, ctx := newNode(t, open()), newNode(t, open()), t.Context()
	keeper := roles.Role{AppID: "keeper", Permissions: roles.Grants{admin.ManageAPI: true, "content/**": true}}
	require.NoError(t, a.service.CreateRole(ctx, a.root(), keeper))
	require.NoError(t, b.directory.Reload(ctx))
	by := b.guard.PrincipalForRole("keeper")
	var late atomic.Int32
	done := make(chan struct{})
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			for range 8 {
				over := false
				select {
				case <-done:
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
		if err := a.service.UpdateRole(ctx, a.root(), keeper, admin.Confirmation{}); err != nil {
			t.Error(err)
		}
		keeper.Permissions = roles.Grants{"content/**": true}
		if err := a.service.UpdateRole(ctx, a.root(), keeper, admin.Confirmation{}); err != nil {
			t.Error(err)
		}
		close(done)
	})
	group.Wait()
	require.Zero(t, late.Load())
	_, err := b.service.CreateKey(ctx, by, keys.Custom{})
	require.ErrorIs(t, err, admin.ErrForbidden)
}

// TestAChangeThatIsTriedAgain rolls each transaction back at first, as databases may. The answer in the end is the
// stored state.
func TestAChangeThatIsTriedAgain(t *testing.T) { each(t, triedAgain) }

func triedAgain(t *testing.T, open func() *sqlstore.Store) {
	n, ctx := newNode(t, open()), t.Context()
	n.again = true
	made, err := n.service.CreateKey(ctx, n.root(), keys.Custom{})
	require.NoError(t, err)
	_, err = n.ring.Verify(ctx, made.Key.Reveal())
	require.NoError(t, err)
	issued, err := n.service.RefreshKey(ctx, n.root(), made.Record.ID, "", keys.Renewal{})
	require.NoError(t, err)
	_, err = n.ring.Verify(ctx, issued.Key.Reveal())
	require.NoError(t, err)
	_, err = n.ring.Verify(ctx, made.Key.Reveal())
	require.ErrorIs(t, err, keys.ErrUnknown)
	_, err = n.service.SetKeyState(ctx, n.root(), made.Record.ID, admin.Revision(&issued.Record), keys.StateDisabled)
	require.NoError(t, err)
	require.NoError(t, n.service.CreateRole(ctx, n.root(), roles.Role{AppID: "editor"}))
	err = n.open(ctx, "editor")
	require.NoError(t, err)
	records, err := n.log.List(ctx, audit.Filter{})
	require.NoError(t, err)
	require.Len(t, records, 5)
}

// TestClosedOnThisNodeAtOnce lets anonymous callers read while the public API is being closed. The old setting that
// they read must not be cached after the change.
func TestClosedOnThisNodeAtOnce(t *testing.T) { each(t, closedAtOnce) }

func closedAtOnce(t *testing.T, open func() *sqlstore.Store) {
	n, ctx := newNode(t, open()), t.Context()
	require.NoError(t, n.service.CreateRole(ctx, n.root(), roles.Role{AppID: "viewer", Permissions: roles.Grants{"content/**": true}}))
	err := n.open(ctx, "viewer")
	require.NoError(t, err)
	role := func() string {
		appid, err := n.public.PublicRole(ctx)
		require.NoError(t, err)
		return appid
	}
	require.Equal(t, "viewer", role())
	n.uncommitted = func() { require.Equal(t, "viewer", role()) }
	_, err = n.service.ClosePublic(ctx, n.root(), "")
	require.NoError(t, err)
	require.Empty(t, role())

	n.log.broken.Store(true)
	n.uncommitted = func() { require.Empty(t, role()) }
	err = n.open(ctx, "viewer")
	require.ErrorIs(t, err, errDisk)
	require.Empty(t, role(), "what came to nothing opens nothing")
}

// TestANodeThatHasNotHeard changes what another node has just made: for a directory that does not know the role yet,
// the public API looks closed.
func TestANodeThatHasNotHeard(t *testing.T) { each(t, notHeard) }

func notHeard(t *testing.T, open func() *sqlstore.Store) {
	ctx := t.Context()
	prepare := func() (a, b *node) {
		a, b = newNode(t, open()), newNode(t, open())
		appid := "news"
		require.NoError(t, a.service.CreateRole(ctx, a.root(), roles.Role{AppID: appid, Permissions: roles.Grants{"content/news/read": true}}))
		err := a.open(ctx, appid)
		require.NoError(t, err)
		require.False(t, b.directory.Policy().Has(appid))
		return a, b
	}
	a, b := prepare()
	more := roles.Role{AppID: "news", Permissions: roles.Grants{"content/news/read": true, "content/news/delete": true}}
	var unconfirmed *publicapi.UnconfirmedError
	require.ErrorAs(t, b.service.UpdateRole(ctx, b.root(), more, admin.Confirmation{}), &unconfirmed)
	_, err := b.service.ClosePublic(ctx, b.root(), "")
	require.NoError(t, err)
	require.NoError(t, a.public.Reload(ctx))
	setting, err := a.public.Current(ctx)
	require.NoError(t, err)
	require.Empty(t, setting.Role)
	require.NoError(t, a.service.DeleteRole(ctx, a.root(), "news", admin.Confirmation{}))

	_, b = prepare()
	var used *admin.Error
	require.ErrorAs(t, b.service.DeleteRole(ctx, b.root(), "news", admin.Confirmation{}), &used)
	require.True(t, used.Usage.Public)
}

// TestRefreshOnTwoNodesHasOneWinner lets two nodes refresh a key that both have read.
func TestRefreshOnTwoNodesHasOneWinner(t *testing.T) { each(t, oneWinner) }

func oneWinner(t *testing.T, open func() *sqlstore.Store) {
	nodes, ctx := []*node{newNode(t, open()), newNode(t, open())}, t.Context()
	for range 5 {
		made, err := nodes[0].service.CreateKey(ctx, nodes[0].root(), keys.Custom{})
		require.NoError(t, err)
		values := make(chan keys.Issued, 8)
		var group sync.WaitGroup
		for i := range cap(values) {
			group.Go(func() {
				n := nodes[i%2]
				issued, err := n.service.RefreshKey(ctx, n.root(), made.Record.ID, admin.Revision(&made.Record), keys.Renewal{})
				switch {
				case err == nil:
					values <- issued
				case !errors.Is(err, admin.ErrConflict) && !errors.Is(err, admin.ErrChanged):
					t.Error(err)
				}
			})
		}
		group.Wait()
		require.Len(t, values, 1)
		won := <-values
		for _, n := range nodes {
			_, err := n.ring.Verify(ctx, won.Key.Reveal())
			require.NoError(t, err)
		}
	}
}
