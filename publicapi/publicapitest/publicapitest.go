// Package publicapitest tells whether a store of the public setting keeps the promises that a
// [publicapi.Service] relies on. That a change is durable once Save returned nil cannot be seen from outside
// and stays the author's promise.
package publicapitest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey-go/latchkey/publicapi"
)

// TestStore checks each promise of [publicapi.Store] in its own subtest, which names it. open returns a new
// store in which nothing was ever saved; what it needs to clean up it leaves to t.Cleanup.
func TestStore(t *testing.T, open func(*testing.T) publicapi.Store) {
	for _, c := range checks {
		t.Run(c.promise, func(t *testing.T) { c.run(t, open(t)) })
	}
}

// tb is what the checks use of a [testing.T]. The suite's own tests give them something that only listens.
type tb interface {
	Helper()
	Errorf(format string, args ...any)
}

type check struct {
	promise string
	run     func(t tb, s publicapi.Store)
}

var (
	background = context.Background()
	noon       = time.Date(2026, 3, 14, 12, 0, 0, 123456000, time.UTC)
)

var checks = []check{
	{"the setting is zero if it was never saved", func(t tb, s publicapi.Store) {
		loads(t, s, publicapi.Setting{})
	}},
	{"Load returns the setting as it was last saved", func(t tb, s publicapi.Store) {
		for i, role := range []string{"public", "visitor", "", "public"} {
			save(t, s, publicapi.Setting{Role: role, Revision: uint64(i) + 1})
			if got, err := s.Load(background); err != nil || got.Role != role || got.Revision != uint64(i)+1 {
				t.Errorf("after saving role %q as revision %d, Load returns role %q, revision %d and error %v", role, i+1, got.Role, got.Revision, err)
			}
		}
	}},
	{"Save writes only over the Revision before", func(t tb, s publicapi.Store) {
		conflicts(t, s, 2, "over a setting that was never saved")
		save(t, s, publicapi.Setting{Role: "public", Revision: 1})
		for _, revision := range []uint64{0, 1, 3, 1 << 40} {
			conflicts(t, s, revision, "over revision 1")
		}
	}},
	{"a Save in conflict changes nothing", func(t tb, s publicapi.Store) {
		first := publicapi.Setting{Role: "public", ChangedAt: noon, ChangedBy: "ada", Revision: 1}
		save(t, s, first)
		_ = s.Save(background, publicapi.Setting{Role: "other", ChangedBy: "eve", Revision: 1})
		loads(t, s, first)
	}},
	{"of concurrent Saves with one Revision exactly one succeeds", func(t tb, s publicapi.Store) {
		for revision := uint64(1); revision <= 20; revision++ {
			const callers = 8
			errs := make([]error, callers)
			var all sync.WaitGroup
			for i := range callers {
				all.Go(func() {
					errs[i] = s.Save(background, publicapi.Setting{Role: "role-" + string('a'+rune(i)), Revision: revision})
				})
			}
			all.Wait()
			won, winner := 0, ""
			for i, err := range errs {
				if err == nil {
					won, winner = won+1, "role-"+string('a'+rune(i))
				} else if !errors.Is(err, publicapi.ErrConflict) {
					t.Errorf("a Save that lost returns error %v, want one wrapping ErrConflict", err)
				}
			}
			if got, _ := s.Load(background); won != 1 || got.Role != winner {
				t.Errorf("%d of %d concurrent Saves succeeded, and the role is %q; want one, and its role %q", won, callers, got.Role, winner)
				return
			}
		}
	}},
	{"texts come back byte for byte", func(t tb, s publicapi.Store) {
		for i, text := range []string{"Public", "public ", "public", "Ünïcode – Zoë 😀", strings.Repeat("x", 200)} {
			save(t, s, publicapi.Setting{Role: text, ChangedBy: text, Revision: uint64(i) + 1})
			if got, _ := s.Load(background); got.Role != text || got.ChangedBy != text {
				t.Errorf("role and author %q come back as %q and %q", text, got.Role, got.ChangedBy)
			}
		}
	}},
	{"times come back in UTC to the microsecond", func(t tb, s publicapi.Store) {
		for i, at := range []time.Time{noon, noon.Add(time.Microsecond), {}} {
			save(t, s, publicapi.Setting{ChangedAt: at, Revision: uint64(i) + 1})
			if got, _ := s.Load(background); !got.ChangedAt.Equal(at) || got.ChangedAt.Location() != time.UTC {
				t.Errorf("time %v comes back as %v", at, got.ChangedAt)
			}
		}
	}},
	{"a Load whose ctx is done returns its error", func(t tb, s publicapi.Store) {
		ctx, cancel := context.WithCancel(background)
		cancel()
		if _, err := s.Load(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Load with a cancelled ctx returns error %v, want one wrapping context.Canceled", err)
		}
	}},
	{"a Save whose ctx is done does nothing", func(t tb, s publicapi.Store) {
		ctx, cancel := context.WithCancel(background)
		cancel()
		if err := s.Save(ctx, publicapi.Setting{Role: "public", Revision: 1}); !errors.Is(err, context.Canceled) {
			t.Errorf("Save with a cancelled ctx returns error %v, want one wrapping context.Canceled", err)
		}
		if got, err := s.Load(background); err != nil || got.Role != "" || got.Revision != 0 {
			t.Errorf("after it, Load returns role %q, revision %d and error %v, want nothing", got.Role, got.Revision, err)
		}
	}},
}

func save(t tb, s publicapi.Store, setting publicapi.Setting) {
	t.Helper()
	if err := s.Save(background, setting); err != nil {
		t.Errorf("Save of revision %d over the one before fails: %v", setting.Revision, err)
	}
}

func loads(t tb, s publicapi.Store, want publicapi.Setting) {
	t.Helper()
	if got, err := s.Load(background); err != nil || got != want {
		t.Errorf("Load returns %+v and error %v, want %+v", got, err, want)
	}
}

func conflicts(t tb, s publicapi.Store, revision uint64, what string) {
	t.Helper()
	if err := s.Save(background, publicapi.Setting{Role: "other", Revision: revision}); !errors.Is(err, publicapi.ErrConflict) {
		t.Errorf("Save of revision %d %s returns error %v, want one wrapping ErrConflict", revision, what, err)
	}
}
