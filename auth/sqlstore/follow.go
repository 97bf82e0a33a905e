package sqlstore

import (
	"context"
	"math"
	"sync"

	"github.com/latchkey-go/latchkey/keys"
)

// Follow calls onChange, unless it is nil, after each change that is committed through this store, at each [Store.Wake], and
// when the ring over [Store.Keys] polls and finds a change of another node. Then it calls each reload in turn, in a
// goroutine of its own. It does so until stop is called:
//
//	stop := store.Follow(func() { users.Forget() }, directory.Reload, public.Reload)
//
// onChange runs before the changing call returns. It must be quick, and must not use anything that waits for that call,
// such as the directory that is saving a role. A panic in it is swallowed. The errors of reload are dropped: the caches
// behind them also poll, retry and report their own store errors. Follow only makes them faster.
//
// stop waits for running callbacks, so a callback must not call it. onChange may run once more after stop.
func (s *Store) Follow(onChange func(), reload ...func(context.Context) error) (stop func()) {
	changed := make(chan struct{}, 1)
	unfollow := s.followers.Add(func(struct{}) {
		if onChange != nil {
			onChange()
		}
		select {
		case changed <- struct{}{}:
		default: // the reloads have not begun yet, and will see this change
		}
	})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-changed:
			}
			for _, f := range reload {
				_ = f(ctx)
			}
		}
	})
	return func() {
		unfollow()
		cancel()
		running.Wait()
	}
}

// notice calls the followers if the latest poll saw another revision.
func (s *Store) notice(revision keys.Revision) {
	if before := s.seen.Swap(&revision); before != nil && *before != revision {
		s.followers.Call(struct{}{}, nil)
	}
}

// Wake reports that another process may have changed something. A host that listens to the database calls it for each
// notification, and after each reconnect, because a missed notification is not repeated.
func (s *Store) Wake() {
	s.watchers.Call(struct{}{}, nil)
	s.followers.Call(struct{}{}, nil)
}

// Channel returns the name of PostgreSQL's channel that notifies of changes.
func (s *Store) Channel() string { return s.prefix + "changes" }

// maxChanges is how many changed keys are named; where there are more, all may have changed.
const maxChanges = 1000

// Changes implements [keys.Feed]. It is one query.
func (k *Keys) Changes(ctx context.Context, since keys.Revision) (keys.Changes, error) {
	if since == (keys.Revision{}) {
		revision, err := k.s.pair(ctx, &k.s.revision)
		if err == nil {
			k.s.notice(revision)
		}
		return keys.Changes{Revision: revision}, err
	}
	var changes keys.Changes
	var number, tag int64
	var known bool
	var space, id *string
	args := []any{int64(min(since.Number, math.MaxInt64)), int64(since.Tag), maxChanges + 1}
	err := k.s.each(ctx, &k.s.changes, args, []any{&number, &tag, &known, &space, &id}, func() error {
		if space != nil && id != nil {
			changes.Keys = append(changes.Keys, keys.Ref{Space: *space, ID: *id})
		}
		return nil
	})
	if err == nil && number <= 0 {
		err = errNoRevision
	}
	if err != nil {
		return keys.Changes{}, storeError(ctx, "read changes", err)
	}
	changes.Revision = keys.Revision{Number: uint64(number), Tag: uint64(tag)}
	if !known || len(changes.Keys) > maxChanges {
		changes.Keys, changes.All = nil, true
	}
	k.s.notice(changes.Revision)
	return changes, nil
}

// Watch implements [keys.Feed]. f is called after each change that is committed through the store, before the changing
// call returns, and at each [Store.Wake]. It may be called though nothing has changed: after a commit of which it is
// not known whether it was done, for one.
func (k *Keys) Watch(f func()) (stop func()) {
	return k.s.watchers.Add(func(struct{}) { f() })
}
