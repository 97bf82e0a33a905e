// Package publicapitest tells whether a store of the public setting keeps the promises that a
// [publicapi.Service] relies on. That a change is durable once Save returned nil cannot be seen from outside
// and stays the author's promise.
package publicapitest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/latchkey-go/latchkey/internal/suite"
	"github.com/latchkey-go/latchkey/publicapi"
)

// TestStore checks each promise of [publicapi.Store] in its own subtest, which names it. open returns a new
// store in which nothing was ever saved; what it needs to clean up it leaves to t.Cleanup.
func TestStore(t *testing.T, open func(*testing.T) publicapi.Store) {
	for _, c := range checks {
		t.Run(c.promise, func(t *testing.T) { c.run(t, open(t)) })
	}
}

type tb = suite.TB

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
			save(t, s, publicapi.Setting{Role: role})
			if got, err := s.Load(background); err != nil || got.Role != role || got.Revision.Number != uint64(i)+1 {
				t.Errorf("after saving role %q as number %d, Load returns role %q, revision %v and error %v", role, i+1, got.Role, got.Revision, err)
			}
		}
	}},
	{"every change has a tag of its own", func(t tb, s publicapi.Store) {
		tags := map[uint64]bool{}
		for range 20 {
			save(t, s, publicapi.Setting{Role: "public", ChangedBy: "ada"})
			tags[revision(t, s).Tag] = true
		}
		if len(tags) != 20 {
			t.Errorf("20 changes have %d tags", len(tags))
		}
	}},
	{"Save writes only over the Revision that it is based on", func(t tb, s publicapi.Store) {
		never := publicapi.Revision{}
		conflicts(t, s, never.Next(), "over a setting that was never saved")
		save(t, s, publicapi.Setting{Role: "public"})
		first := revision(t, s)
		conflicts(t, s, never, "over the first")
		for _, change := range []publicapi.Revision{{Number: 1}, {Number: 1 << 40}, {Tag: 1}, {Tag: 1 << 63}} {
			other := publicapi.Revision{Number: first.Number + change.Number, Tag: first.Tag + change.Tag}
			conflicts(t, s, other, "over the first")
		}
		save(t, s, publicapi.Setting{Role: "public"})
		conflicts(t, s, first, "over the second")
	}},
	{"a Save in conflict changes nothing", func(t tb, s publicapi.Store) {
		save(t, s, publicapi.Setting{Role: "public", ChangedAt: noon, ChangedBy: "ada"})
		want := publicapi.Setting{Role: "public", ChangedAt: noon, ChangedBy: "ada", Revision: revision(t, s)}
		_ = s.Save(background, publicapi.Setting{Role: "other", ChangedBy: "eve"})
		loads(t, s, want)
	}},
	{"of concurrent Saves with one Revision exactly one succeeds", func(t tb, s publicapi.Store) {
		for range 20 {
			before := revision(t, s)
			errs := suite.Together(8, func(i int) error {
				return s.Save(background, publicapi.Setting{Role: fmt.Sprint("role-", i), Revision: before})
			})
			winner, err := suite.OneWins(errs, publicapi.ErrConflict)
			if got, _ := s.Load(background); err != nil || got.Role != fmt.Sprint("role-", winner) {
				t.Errorf("of concurrent Saves number %d won, and the role is %q: %v", winner, got.Role, err)
				return
			}
		}
	}},
	{"texts come back byte for byte", func(t tb, s publicapi.Store) {
		for _, text := range []string{"Public", "public ", "public", "Ünïcode – Zoë 😀", strings.Repeat("x", 200)} {
			save(t, s, publicapi.Setting{Role: text, ChangedBy: text})
			if got, _ := s.Load(background); got.Role != text || got.ChangedBy != text {
				t.Errorf("role and author %q come back as %q and %q", text, got.Role, got.ChangedBy)
			}
		}
	}},
	{"times come back in UTC to the microsecond", func(t tb, s publicapi.Store) {
		for _, at := range []time.Time{noon, noon.Add(time.Microsecond), {}} {
			save(t, s, publicapi.Setting{ChangedAt: at})
			if got, _ := s.Load(background); !got.ChangedAt.Equal(at) || got.ChangedAt.Location() != time.UTC {
				t.Errorf("time %v comes back as %v", at, got.ChangedAt)
			}
		}
	}},
	{"a Load whose ctx is done returns its error", func(t tb, s publicapi.Store) {
		if _, err := s.Load(suite.Done()); !errors.Is(err, context.Canceled) {
			t.Errorf("Load with a cancelled ctx returns error %v, want one wrapping context.Canceled", err)
		}
	}},
	{"a Save whose ctx is done does nothing", func(t tb, s publicapi.Store) {
		if err := s.Save(suite.Done(), publicapi.Setting{Role: "public"}); !errors.Is(err, context.Canceled) {
			t.Errorf("Save with a cancelled ctx returns error %v, want one wrapping context.Canceled", err)
		}
		if got, err := s.Load(background); err != nil || got.Role != "" || got.Revision != (publicapi.Revision{}) {
			t.Errorf("after it, Load returns role %q, revision %v and error %v, want nothing", got.Role, got.Revision, err)
		}
	}},
}

// save saves setting over the stored one.
func save(t tb, s publicapi.Store, setting publicapi.Setting) {
	t.Helper()
	setting.Revision = revision(t, s)
	if err := s.Save(background, setting); err != nil {
		t.Errorf("Save over revision %v fails: %v", setting.Revision, err)
	}
}

func revision(t tb, s publicapi.Store) publicapi.Revision {
	t.Helper()
	setting, err := s.Load(background)
	if err != nil {
		t.Errorf("Load fails: %v", err)
	}
	return setting.Revision
}

func loads(t tb, s publicapi.Store, want publicapi.Setting) {
	t.Helper()
	if got, err := s.Load(background); err != nil || got != want {
		t.Errorf("Load returns %+v and error %v, want %+v", got, err, want)
	}
}

func conflicts(t tb, s publicapi.Store, revision publicapi.Revision, what string) {
	t.Helper()
	if err := s.Save(background, publicapi.Setting{Role: "other", Revision: revision}); !errors.Is(err, publicapi.ErrConflict) {
		t.Errorf("Save for revision %v %s returns error %v, want one wrapping ErrConflict", revision, what, err)
	}
}
