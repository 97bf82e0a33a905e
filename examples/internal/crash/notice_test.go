package crash

import (
	"context"
	"sync"
	"testing"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

// The checks of this package find seeded faults.

func TestTheLedgerNotices(t *testing.T) {
	ctx := t.Context()
	r := ring(t, keys.Config{Store: keys.NewMemoryStore()})
	issued, err := r.IssueCustom(ctx, keys.Custom{Name: "a"})
	require.NoError(t, err)
	id, old := issued.Record.ID, issued.Key.Reveal()
	check := func(steps ...step) error {
		l := newLedger()
		l.note(step{What: "issue", Key: "a"})
		l.note(step{What: "issue", Key: id, Name: "a", Value: old, Done: true})
		for _, s := range steps {
			l.note(s)
		}
		return l.check(ctx, r, l.all(), 0)
	}
	refresh := step{What: "refresh", Key: id, Value: "API-another", Done: true}
	invalidate := step{What: "invalidate", Key: id, Done: true}

	require.NoError(t, check())
	require.Error(t, check(refresh), "a refresh that was lost")
	require.Error(t, check(invalidate), "an end that was lost")
	require.NoError(t, check(step{What: "refresh", Key: id}), "a refresh that was not told to be done")
	empty := ring(t, keys.Config{Store: keys.NewMemoryStore()})
	require.Error(t, ledgerOf([]keys.Issued{issued}).check(ctx, empty, []string{id}, 0), "a key that was lost")
	require.Error(t, newLedger().check(ctx, r, nil, 0), "a key from nowhere")

	renewed, err := r.Refresh(ctx, id, keys.Renewal{})
	require.NoError(t, err)
	refresh.Value = renewed.Key.Reveal()
	require.NoError(t, check(refresh))
	require.Error(t, check(), "a change from nowhere")
	refresh.Value = old
	require.Error(t, check(refresh), "an old value for a new one")
	_, err = r.Refresh(ctx, id, keys.Renewal{Overlap: 1 << 40})
	require.NoError(t, err)
	refresh.Value = renewed.Key.Reveal()
	require.Error(t, check(refresh, step{What: "refresh", Key: id, Value: "API-another", Done: true}), "an old value that is good")
}

// A store that caches without end is found quickly.
func TestTheModelNotices(t *testing.T) {
	r := patient(t, keys.Config{Store: &staleStore{Store: keys.NewMemoryStore()}})
	for n := range 100 {
		if !porcupine.CheckOperations(model, record(t, r, n)) {
			return
		}
	}
	t.Fatal("100 histories over a store that answers what was true once were found in order")
}

type staleStore struct {
	keys.Store
	found sync.Map // by the sum of the first digest
}

func (s *staleStore) Find(ctx context.Context, space string, digests []keys.Digest) (keys.Record, error) {
	_, sum := digests[0].Reveal()
	if r, ok := s.found.Load(sum); ok {
		return r.(keys.Record), nil
	}
	r, err := s.Store.Find(ctx, space, digests)
	if err == nil {
		s.found.Store(sum, r)
	}
	return r, err
}
