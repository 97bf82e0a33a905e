package crash

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/latchkey-go/latchkey/keys"
)

// A worker issues keys, refreshes and invalidates them, and reports each step before it begins and when it is done.
// No two workers use the same key.
type worker struct {
	ring *keys.Ring
	name string // the prefix of its keys' names
	mine []string
	tell func(step)
}

// work runs until a step fails.
func (w *worker) work(ctx context.Context) error {
	for n := 0; ; n++ {
		if err := w.step(ctx, n); err != nil {
			return err
		}
	}
}

func (w *worker) step(ctx context.Context, n int) error {
	dice := rand.IntN(100)
	if len(w.mine) == 0 || dice < 20 {
		name := fmt.Sprintf("%s-%d", w.name, n)
		w.tell(step{What: "issue", Key: name})
		issued, err := w.ring.IssueCustom(ctx, keys.Custom{Name: name})
		if err != nil {
			return err
		}
		w.mine = append(w.mine, issued.Record.ID)
		w.tell(step{What: "issue", Key: issued.Record.ID, Name: name, Value: issued.Key.Reveal(), Done: true})
		return nil
	}
	i := rand.IntN(len(w.mine))
	id := w.mine[i]
	if dice < 85 {
		w.tell(step{What: "refresh", Key: id})
		issued, err := w.ring.Refresh(ctx, id, keys.Renewal{})
		if err != nil {
			return err
		}
		w.tell(step{What: "refresh", Key: id, Value: issued.Key.Reveal(), Done: true})
		return nil
	}
	w.tell(step{What: "invalidate", Key: id})
	if err := w.ring.Invalidate(ctx, id); err != nil {
		return err
	}
	w.mine[i] = w.mine[len(w.mine)-1]
	w.mine = w.mine[:len(w.mine)-1]
	w.tell(step{What: "invalidate", Key: id, Done: true})
	return nil
}
