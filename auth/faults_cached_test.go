package auth_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// A distant store is a store and its feed, with one fault at the k-th call of them.
type distant struct {
	*keys.MemoryStore
	mu       sync.Mutex
	revision keys.Revision
	calls, k int
	fired    bool
	fault    func(context.Context) error
	swap     *keys.Record // if not nil, every row from the fault on is this one
	swapped  bool
}

func (d *distant) call(ctx context.Context) error {
	d.mu.Lock()
	d.calls++
	now := d.calls == d.k
	d.fired = d.fired || now
	d.mu.Unlock()
	if now {
		return d.fault(ctx)
	}
	return nil
}

func (d *distant) Find(ctx context.Context, space string, digests []keys.Digest) (keys.Record, error) {
	if err := d.call(ctx); err != nil {
		return keys.Record{}, err
	}
	rec, err := d.MemoryStore.Find(ctx, space, digests)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.swapped {
		d.swapped = false
		return *d.swap, nil
	}
	return rec, err
}

func (d *distant) Update(ctx context.Context, r keys.Record) error {
	if err := d.call(ctx); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.revision = d.revision.Next()
	return d.MemoryStore.Update(ctx, r)
}

func (d *distant) Changes(ctx context.Context, _ keys.Revision) (keys.Changes, error) {
	if err := d.call(ctx); err != nil {
		return keys.Changes{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return keys.Changes{Revision: d.revision, All: true}, nil
}

func (d *distant) Watch(func()) (stop func()) { return func() {} }

// Each fault at each call of a store with a cache in front of it: a caller who shows a key is never anonymous, a good
// key never gets 401, an ended or unknown one never gets in, and the answer is there in time.
func TestFaultsBehindTheCache(t *testing.T) {
	for name, fault := range map[string]func(*distant, chan struct{}) func(context.Context) error{
		"error": func(*distant, chan struct{}) func(context.Context) error {
			return func(context.Context) error { return errors.New("connection refused") }
		},
		"says unknown": func(*distant, chan struct{}) func(context.Context) error {
			return func(context.Context) error { return keys.ErrUnknown }
		},
		"delay": func(*distant, chan struct{}) func(context.Context) error {
			return func(context.Context) error { time.Sleep(700 * time.Millisecond); return nil }
		},
		"hang": func(_ *distant, release chan struct{}) func(context.Context) error {
			return func(context.Context) error { <-release; return nil }
		},
		"panic": func(*distant, chan struct{}) func(context.Context) error {
			return func(context.Context) error { panic("store") }
		},
		"row of another query": func(d *distant, _ chan struct{}) func(context.Context) error {
			return func(context.Context) error { d.mu.Lock(); defer d.mu.Unlock(); d.swapped = true; return nil }
		},
	} {
		t.Run(name, func(t *testing.T) {
			for k, fired := 1, true; fired; k++ {
				require.Less(t, k, 200)
				synctest.Test(t, func(t *testing.T) {
					release := make(chan struct{})
					d := &distant{MemoryStore: keys.NewMemoryStore(), k: k}
					d.fault = fault(d, release)
					serveWithFault(t, fmt.Sprintf("%s at call %d", name, k), d, release)
					d.mu.Lock()
					defer d.mu.Unlock()
					fired = d.fired
				})
			}
		})
	}
}

func serveWithFault(t *testing.T, where string, d *distant, release chan struct{}) {
	plain := keys.NewRing(d.MemoryStore)
	issue := func(role string) keys.Issued {
		issued, err := plain.IssueCustom(t.Context(), keys.Custom{Role: role})
		require.NoError(t, err)
		return issued
	}
	good, ended, other := issue("editor"), issue("editor"), issue("viewer")
	d.swap = &other.Record
	ring, err := keys.Open(keys.Config{Store: d, Feed: d, Staleness: 2 * time.Second})
	require.NoError(t, err)
	policy := roles.MustCompile(viewer, editor)
	guard, err := auth.New(auth.Config{Keys: ring, Roles: policy, Anonymous: publicapi.Fixed("viewer")})
	require.NoError(t, err)
	h := guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := auth.PrincipalFrom(r.Context())
		io.WriteString(w, p.Role())
	}))
	show := func(key string, want int, as string) {
		began := time.Now()
		response := serve(h, request("/", "api-key", key))
		if took := time.Since(began); took > time.Second+50*time.Millisecond {
			t.Errorf("%s: the answer took %v", where, took)
		}
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		switch status := response.StatusCode; {
		case status == http.StatusServiceUnavailable:
		case status != want:
			t.Errorf("%s: %d, not %d", where, status, want)
		case status == http.StatusOK && string(body) != as:
			t.Errorf("%s: serves with the role %q", where, body)
		}
	}
	elsewhere := keys.NewRing(keys.NewMemoryStore())
	stranger, err := elsewhere.IssueCustom(t.Context(), keys.Custom{})
	require.NoError(t, err)
	status := http.StatusOK
	for round := range 6 {
		for range 2 {
			show(good.Key.Reveal(), http.StatusOK, "editor")
			show(ended.Key.Reveal(), status, "editor")
			show(stranger.Key.Reveal(), http.StatusUnauthorized, "")
		}
		if round == 2 {
			done := make(chan error, 1)
			go func() {
				defer func() {
					if recover() != nil {
						done <- errors.New("panicked")
					}
				}()
				done <- ring.Invalidate(t.Context(), ended.Record.ID)
			}()
			synctest.Wait()
			select {
			case err := <-done:
				if err == nil {
					status = http.StatusUnauthorized
				} else {
					require.NoError(t, plain.Invalidate(t.Context(), ended.Record.ID))
					time.Sleep(2 * time.Second)
					status = http.StatusUnauthorized
				}
			default: // it hangs, or takes its time: nothing is acknowledged
				time.Sleep(time.Second)
				select {
				case err := <-done:
					require.NoError(t, err, where)
					status = http.StatusUnauthorized
				default:
				}
			}
		}
		time.Sleep(500 * time.Millisecond)
	}
	close(release)
	require.NoError(t, ring.Close(t.Context()))
	time.Sleep(time.Minute) // if a goroutine is left after that, synctest says so
}
