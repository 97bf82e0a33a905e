package admin_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// TestRefreshHasOneWinner lets many refresh one key that all of them have seen.
func TestRefreshHasOneWinner(t *testing.T) {
	const callers = 8
	var both *pair
	w := newWorld(t, func(store keys.Store) keys.Store {
		both = &pair{Store: store}
		return both
	})
	for range 20 {
		id := w.custom(keys.Custom{Role: "editor"}).Record.ID
		both.arm(id, callers)
		var won atomic.Int32
		var group sync.WaitGroup
		for range callers {
			group.Go(func() {
				_, err := w.service.RefreshKey(t.Context(), w.as("keeper"), id, "", keys.Renewal{})
				if err == nil {
					won.Add(1)
				} else if !errors.Is(err, admin.ErrConflict) {
					t.Error(err)
				}
			})
		}
		group.Wait()
		require.EqualValues(t, 1, won.Load())
	}
}

// TestDemotedMakesNothing takes rights away from a caller who is using them. After the change has returned, the caller
// makes no more keys.
func TestDemotedMakesNothing(t *testing.T) {
	for _, how := range []string{"user", "key", "role"} {
		t.Run(how, func(t *testing.T) {
			for range 10 {
				w := newWorld(t, nil)
				w.users.set(auth.User{ID: "ken", Role: "keeper", Active: true})
				maker := w.custom(keys.Custom{Role: "keeper"})
				by := w.holder(maker) // found out before; the request is under way
				if how == "user" {
					by = w.user("ken")
				}
				demoted := make(chan struct{})
				var late atomic.Int32
				var group sync.WaitGroup
				for range 4 {
					group.Go(func() {
						for range 10 {
							after := false
							select {
							case <-demoted:
								after = true
							default:
							}
							_, err := w.service.CreateKey(t.Context(), by, keys.Custom{Role: "editor"})
							if after && err == nil {
								late.Add(1)
							}
						}
					})
				}
				group.Go(func() {
					time.Sleep(time.Millisecond)
					var err error
					switch how {
					case "user":
						w.users.set(auth.User{ID: "ken", Role: "viewer", Active: true})
					case "key":
						_, err = w.service.SetKeyState(t.Context(), w.root(), maker.Record.ID, "", keys.StateInvalidated)
					case "role":
						err = w.service.UpdateRole(t.Context(), w.root(), roles.Role{AppID: "keeper", Permissions: roles.Grants{admin.ManageAPI: true}}, admin.Confirmation{})
					}
					if err != nil {
						t.Error(err)
					}
					close(demoted)
				})
				group.Wait()
				require.Zero(t, late.Load())
				_, err := w.service.CreateKey(t.Context(), by, keys.Custom{Role: "editor"})
				require.Error(t, err)
			}
		})
	}
}

// TestDeletedRoleStaysBehindNowhere deletes a role while others give it to keys and to the world.
func TestDeletedRoleStaysBehindNowhere(t *testing.T) {
	w := newWorld(t, nil)
	for i := range 15 {
		appid := fmt.Sprint("temp", i)
		require.NoError(t, w.service.CreateRole(t.Context(), w.root(), roles.Role{AppID: appid, Permissions: roles.Grants{"content/posts/read": true}}))
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() {
				for range 5 {
					_, err := w.service.CreateKey(t.Context(), w.as("admin"), keys.Custom{Role: appid})
					if err != nil && !errors.Is(err, admin.ErrInput) {
						t.Error(err)
					}
				}
			})
		}
		group.Go(func() { _ = w.open(w.as("admin"), appid) })
		group.Go(func() {
			confirm := ""
			for {
				err := w.service.DeleteRole(t.Context(), w.as("admin"), appid, admin.Confirmation{Token: confirm})
				var used *admin.Error
				if !errors.As(err, &used) || used.Usage == nil {
					if err != nil {
						t.Error(err)
					}
					return
				}
				confirm = used.Usage.Confirm
			}
		})
		group.Wait()
		left, err := w.ring.List(t.Context(), keys.Filter{Role: appid})
		require.NoError(t, err)
		require.Empty(t, left)
		setting, err := w.public.Current(t.Context())
		require.NoError(t, err)
		require.NotEqual(t, appid, setting.Role)
	}
}

// A pair lets requests that begin at the same time begin at the same time: the first Get of a key waits for the
// second one.
type pair struct {
	keys.Store
	mu      sync.Mutex
	id      string
	missing int
	all     chan struct{}
}

func (p *pair) arm(id string, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.id, p.missing, p.all = id, n, make(chan struct{})
}

func (p *pair) Get(ctx context.Context, space, id string) (keys.Record, error) {
	rec, err := p.Store.Get(ctx, space, id)
	p.mu.Lock()
	wait := p.id == id && p.missing > 0
	if wait {
		if p.missing--; p.missing == 0 {
			close(p.all)
		}
	}
	all := p.all
	p.mu.Unlock()
	if wait {
		select {
		case <-all:
		case <-time.After(5 * time.Second):
		}
	}
	return rec, err
}
