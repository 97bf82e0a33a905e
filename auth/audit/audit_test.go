package audit_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/auth/audit/audittest"
)

func TestMemoryLog(t *testing.T) {
	audittest.TestLog(t, func(*testing.T) audit.Log { return audit.NewMemoryLog(0) })
}

func stamped(t *testing.T, r audit.Record) audit.Record {
	t.Helper()
	r, err := audit.Stamp(r)
	require.NoError(t, err)
	return r
}

func TestMemoryLogKeepsTheLatest(t *testing.T) {
	log := audit.NewMemoryLog(3)
	for i := range 5 {
		require.NoError(t, log.Append(t.Context(), stamped(t, audit.Record{Object: fmt.Sprint(i)})))
	}
	got, err := log.List(t.Context(), audit.Filter{})
	require.NoError(t, err)
	require.Len(t, got, 3)
	require.Equal(t, "4", got[0].Object)
	require.Equal(t, "2", got[2].Object)
}

func TestMemoryLogRefusesWhatIsNotStamped(t *testing.T) {
	require.Error(t, audit.NewMemoryLog(0).Append(t.Context(), audit.Record{Action: "key.create"}))
}

func TestStamp(t *testing.T) {
	r := stamped(t, audit.Record{At: time.Date(2026, 1, 2, 3, 4, 5, 6789, time.FixedZone("", 3600))})
	require.Equal(t, time.Date(2026, 1, 2, 2, 4, 5, 6000, time.UTC), r.At)
	require.Equal(t, r, stamped(t, r), "what is stamped stays as it is")

	r = stamped(t, audit.Record{ActorName: "A\x00d\xffa"})
	require.Equal(t, "A\ufffdd\ufffda", r.ActorName, "what no database stores is no reason to refuse a change")

	_, err := audit.Stamp(audit.Record{Action: "x", After: map[string]any{"f": func() {}}})
	require.ErrorContains(t, err, "values of x")
}

func TestIDsAscend(t *testing.T) {
	const writers, each = 8, 500
	var mu sync.Mutex
	seen := map[string]bool{}
	var group sync.WaitGroup
	for range writers {
		group.Go(func() {
			last := ""
			for range each {
				r, err := audit.Stamp(audit.Record{})
				if err != nil || r.ID <= last {
					t.Errorf("ID %q after %q: %v", r.ID, last, err)
				}
				last = r.ID
				mu.Lock()
				seen[last] = true
				mu.Unlock()
			}
		})
	}
	group.Wait()
	require.Len(t, seen, writers*each)
}

func TestSlog(t *testing.T) {
	var out bytes.Buffer
	log := audit.Slog(slog.New(slog.NewTextHandler(&out, nil)))
	require.NoError(t, log.Append(t.Context(), stamped(t, audit.Record{
		Actor: "user:ada", ActorName: "a\nlevel=ERROR", Action: "key.update", Object: "k", Space: "s", From: "192.0.2.1",
		Before: map[string]any{"name": "old"}, After: map[string]any{"name": "new"},
	})))
	require.Equal(t, 1, strings.Count(out.String(), "\n"), "one record is one line")
	for _, want := range []string{"msg=audit", "actor=user:ada", "action=key.update", "object=k", "from=192.0.2.1", "map[name:new]"} {
		require.Contains(t, out.String(), want)
	}
	_, err := log.List(t.Context(), audit.Filter{})
	require.ErrorIs(t, err, audit.ErrNotListed)

	done, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, log.Append(done, stamped(t, audit.Record{})), context.Canceled)
}
