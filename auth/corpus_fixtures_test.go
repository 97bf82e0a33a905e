package auth_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// A scene is what the corpus takes for granted: roles, users and keys, over one kind of store.
type scene struct {
	t       *testing.T
	instant bool // everything answers from memory, and the guard knows it
	memory  *keys.MemoryStore
	finds   atomic.Int64 // look-ups in the key store; stays 0 if instant, where look-ups are not counted
	ring    *keys.Ring
	policy  *roles.Policy
	users   auth.Users
	keys    map[string]fixture // by their names in the corpus
	secrets map[string]string  // what must not be seen anywhere, and the fixture it is of

	log     logbook
	arrived atomic.Int64 // requests that reached a guard
	sites   map[stage]*site
	bodies  map[int]string // the one body of each status
}

// A fixture is one key of the corpus.
type fixture struct{ text, id string }

// A countingStore is not a *keys.MemoryStore, so the ring asks it as it asks any store of a host's: by Find,
// with a deadline.
type countingStore struct {
	keys.Store
	finds *atomic.Int64
}

func (c *countingStore) Find(ctx context.Context, space string, digests []keys.Digest) (keys.Record, error) {
	c.finds.Add(1)
	return c.Store.Find(ctx, space, digests)
}

// newScene sets up the fixtures that the corpus describes in its META line.
func newScene(t *testing.T, rs []roles.Role, instant bool) *scene {
	t.Helper()
	s := &scene{
		t:       t,
		instant: instant,
		memory:  keys.NewMemoryStore(),
		policy:  roles.MustCompile(rs...),
		keys:    map[string]fixture{},
		secrets: map[string]string{},
		sites:   map[stage]*site{},
		bodies:  map[int]string{},
		users: auth.UserMap{
			"usr":      {Name: "Ursula", Role: "editor", Active: true},
			"usr2":     {Name: "Uwe", Role: "viewer", Active: true},
			"admin":    {Name: "Ada", Role: "admin", Active: true},
			"inactive": {Name: "Ina", Role: "admin"},
		},
	}
	c := keys.Config{Store: s.memory, OnError: s.log.hear}
	if !instant {
		c.Store = &countingStore{s.memory, &s.finds}
		s.users = struct{ auth.Users }{s.users} // hides that it is instant
	}
	var err error
	s.ring, err = keys.Open(c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.ring.Close(context.Background())) })
	s.issue(t)
	return s
}

// issue makes all keys of the corpus.
func (s *scene) issue(t *testing.T) {
	t.Helper()
	keep := func(name string, issued keys.Issued, err error) string {
		require.NoError(t, err, name)
		f := fixture{issued.Key.Reveal(), issued.Record.ID}
		s.keys[name] = f
		for _, form := range forms(f.text) {
			s.secrets[form] = name
		}
		return f.id
	}
	user := func(name, id string) string {
		issued, err := s.ring.IssueUser(t.Context(), id, keys.User{Name: "fixture " + name})
		return keep(name, issued, err)
	}
	custom := func(name, role string, ring *keys.Ring) string {
		issued, err := ring.IssueCustom(t.Context(), keys.Custom{Name: "fixture " + name, Role: role})
		return keep(name, issued, err)
	}
	expire := func(id string, at time.Time) {
		rec, err := s.memory.Get(t.Context(), "", id)
		require.NoError(t, err)
		rec.ExpiresAt = at.UTC().Truncate(time.Microsecond)
		rec.Generation++
		require.NoError(t, s.memory.Update(t.Context(), rec))
	}

	renewed, err := s.ring.Refresh(t.Context(), user("OLD", "usr"), keys.Renewal{})
	keep("USR", renewed, err)
	user("USR2", "usr2")
	user("ADMIN", "admin")
	user("INACTIVE", "inactive")
	user("ORPHAN", "unknown-user")

	custom("CUSTOM", "editor", s.ring)
	custom("ROLEGONE", "deleted", s.ring)
	custom("NOROLE", "", s.ring)
	custom("ROLEUPPER", "ADMIN", s.ring)
	custom("TENANT2", "editor", s.ring.In("t2"))
	require.NoError(t, s.ring.Invalidate(t.Context(), custom("REVOKED", "editor", s.ring)))
	expire(custom("EXPIRED", "editor", s.ring), time.Now().Add(-time.Hour))
	expire(custom("EXPNOW", "editor", s.ring), time.Now())
	expire(custom("EXP1S", "editor", s.ring), time.Now().Add(time.Second))

	elsewhere := keys.NewRing(keys.NewMemoryStore())
	custom("UNKNOWN", "editor", elsewhere)
	require.NoError(t, elsewhere.Close(t.Context()))
}

// forms lists how a key could stand in a text: its digits, whatever is around them, and its digest.
func forms(key string) []string {
	sum := sha256.Sum256([]byte(key))
	array, _ := json.Marshal(sum)
	return []string{
		key[len(key)-40:], base64.RawStdEncoding.EncodeToString([]byte(key)),
		hex.EncodeToString(sum[:]), fmt.Sprintf("%X", sum), strings.Trim(fmt.Sprint(sum), "[]"), string(array),
		base64.RawStdEncoding.EncodeToString(sum[:]), base64.RawURLEncoding.EncodeToString(sum[:]),
	}
}

// leaks names the fixtures of which text holds the key or the digest.
func (s *scene) leaks(text string) []string {
	var names []string
	for secret, name := range s.secrets {
		if strings.Contains(text, secret) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// faults says in which ways a fault of the corpus is brought about.
var faults = map[string][]string{
	"": {""},
	"store returns error and the role cache is cold": {"setting", "roles", "setting and roles"},
	"store sleeps past the deadline":                 {"deaf key store", "key store"},
}

// inject changes c so that what fails.
func (s *scene) inject(t *testing.T, c *auth.Config, what string) {
	t.Helper()
	switch what {
	case "":
		return
	case "setting", "setting and roles":
		down, err := publicapi.New(publicapi.Config{Store: brokenSetting{}, Roles: s.policy, Staleness: publicapi.AlwaysAsk})
		require.NoError(t, err)
		c.Anonymous = down
		if what == "setting and roles" {
			c.Roles = coldRoles{}
		}
	case "roles":
		c.Roles = coldRoles{}
	case "deaf key store", "key store":
		slow, err := keys.Open(keys.Config{
			Store:        sleepyStore{s.memory, what == "deaf key store"},
			StoreTimeout: 20 * time.Millisecond, OnError: s.log.hear,
		})
		require.NoError(t, err)
		s.t.Cleanup(func() { require.NoError(s.t, slow.Close(context.Background())) })
		c.Keys = slow
	default:
		t.Fatalf("no such fault: %q", what)
	}
}

var errCorpusStore = errors.New("the disk of db-7 is on fire")

type brokenSetting struct{ publicapi.Store }

func (brokenSetting) Load(context.Context) (publicapi.Setting, error) {
	return publicapi.Setting{}, errCorpusStore
}

// coldRoles has no policy yet.
type coldRoles struct{}

func (coldRoles) Policy() *roles.Policy { return nil }

// A sleepyStore has the right answer, far too late. A deaf one ignores that its context is done.
type sleepyStore struct {
	keys.Store
	deaf bool
}

func (s sleepyStore) Find(ctx context.Context, space string, digests []keys.Digest) (keys.Record, error) {
	done := ctx.Done()
	if s.deaf {
		ctx, done = context.WithoutCancel(ctx), nil
	}
	select {
	case <-done:
		return keys.Record{}, ctx.Err()
	case <-time.After(3 * time.Second):
		return s.Store.Find(ctx, space, digests)
	}
}
