package crash

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

// The results that several clients of one node see on a few keys are linearizable, with and without the cache. Some
// calls are cancelled or their answers lost, so that it is unknown whether they were done.
func TestHistoriesAreLinearizable(t *testing.T) {
	t.Parallel()
	for _, s := range stores {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			ring := s.open(t, lossy)
			histories, operations, given := times(50, 1000), 0, 0
			for n := range histories {
				history := record(t, ring, n)
				operations += len(history)
				for _, op := range history {
					if op.Output.(output).Outcome == lost {
						given++
					}
				}
				result, info := porcupine.CheckOperationsVerbose(model, history, time.Minute)
				if result != porcupine.Ok {
					t.Fatalf("history %d of %d is not linearizable: %s; see %s", n, histories, result, draw(model, info))
				}
			}
			require.NotZero(t, given, "no answer was lost")
			require.Less(t, given, operations/10, "too few answers to learn from")
			t.Logf("SUMMARY %s: %d histories of %d operations on average, all linearizable; %d answers were lost",
				t.Name(), histories, operations/histories, given)
		})
	}
}

func draw(m porcupine.Model, info porcupine.LinearizationInfo) string {
	f, err := os.CreateTemp("", "history*.html")
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	if err := porcupine.Visualize(m, info, f); err != nil {
		return err.Error()
	}
	return f.Name()
}

const (
	clients       = 6
	callsOfClient = 35
	users         = 3
)

// A recorder records the clients' operations on the keys of a few users.
type recorder struct {
	ring  *keys.Ring
	begun time.Time

	mu      sync.Mutex
	known   map[string][]output // issued or refreshed keys, by user, the latest last
	history []porcupine.Operation
	strange error
}

// record returns one history, with users of its own.
func record(t *testing.T, ring *keys.Ring, number int) []porcupine.Operation {
	t.Helper()
	r := &recorder{ring: ring, begun: time.Now(), known: map[string][]output{}}
	var running sync.WaitGroup
	for client := range clients {
		running.Go(func() {
			for range callsOfClient {
				r.call(t.Context(), client, fmt.Sprintf("user-%d-%d", number, rand.IntN(users)))
			}
		})
	}
	running.Wait()
	require.NoError(t, r.strange)
	return r.history
}

// call makes one call for a client.
func (r *recorder) call(ctx context.Context, client int, user string) {
	in := r.choose(user)
	if in.What != "verify" && rand.IntN(20) == 0 {
		var giveUp context.CancelFunc
		ctx, giveUp = context.WithTimeout(ctx, time.Duration(rand.IntN(2))*rand.N(500*time.Microsecond))
		defer giveUp()
	}
	op := porcupine.Operation{ClientId: client, Input: in, Call: time.Since(r.begun).Nanoseconds()}
	out, err := r.do(ctx, in)
	op.Return = time.Since(r.begun).Nanoseconds()
	switch {
	case err == nil:
		out.Outcome = done
	case errors.Is(err, keys.ErrStore):
		out.Outcome = lost
		op.Return = math.MaxInt64 // it may be done at any later time
	case errors.Is(err, keys.ErrExists):
		out.Outcome = exists
	case errors.Is(err, keys.ErrConflict):
		out.Outcome = conflict
	case errors.Is(err, keys.ErrDisabled):
		out.Outcome = disabled
	case errors.Is(err, keys.ErrInvalidated):
		out.Outcome = invalidated
	case errors.Is(err, keys.ErrUnknown):
		out.Outcome = unknown
	}
	op.Output = out

	r.mu.Lock()
	defer r.mu.Unlock()
	if out.Outcome == "" || out.Outcome == lost && in.What == "verify" {
		r.strange = errors.Join(r.strange, fmt.Errorf("%s: %w", in.What, err))
	}
	if out.Outcome == done && out.Value != "" {
		r.known[user] = append(r.known[user], out)
	}
	r.history = append(r.history, op)
}

// choose picks the next operation on a user's key.
func (r *recorder) choose(user string) input {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := r.known[user]
	dice := rand.IntN(100)
	if len(known) == 0 || dice < 10 {
		return input{What: "issue", User: user}
	}
	one := known[max(0, len(known)-1-rand.IntN(3))] // mostly not the newest
	switch {
	case dice < 60:
		return input{What: "verify", User: user, Value: one.Value}
	case dice < 80:
		return input{What: "refresh", User: user, ID: one.ID}
	case dice < 87:
		return input{What: "disable", User: user, ID: one.ID}
	case dice < 95:
		return input{What: "enable", User: user, ID: one.ID}
	default:
		return input{What: "invalidate", User: user, ID: one.ID}
	}
}

func (r *recorder) do(ctx context.Context, in input) (output, error) {
	var issued keys.Issued
	var err error
	switch in.What {
	case "issue":
		issued, err = r.ring.IssueUser(ctx, in.User, keys.User{})
	case "refresh":
		issued, err = r.ring.Refresh(ctx, in.ID, keys.Renewal{})
	case "verify":
		_, err = r.ring.Verify(ctx, in.Value)
	case "disable":
		err = r.ring.Disable(ctx, in.ID)
	case "enable":
		err = r.ring.Enable(ctx, in.ID)
	case "invalidate":
		err = r.ring.Invalidate(ctx, in.ID)
	}
	if err != nil {
		return output{}, err
	}
	return output{ID: issued.Record.ID, Value: issued.Key.Reveal()}, nil
}
