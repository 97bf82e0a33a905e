package roles

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/latchkey-go/latchkey/internal/ask"
)

// poll asks for the revision often enough that a change is seen, and a store in order is confirmed, well
// within the staleness that was promised. After a failure it asks again sooner.
func (d *Directory) poll() {
	defer close(d.polling)
	for {
		wait := d.staleness / 2
		if d.Err() != nil {
			wait = d.staleness / 8
		}
		select {
		case <-d.life.Done():
			return
		case <-time.After(max(wait, time.Millisecond)):
			_ = d.confirm(d.life) // it is told by Err and OnError
		}
	}
}

// confirm makes sure that the store has been asked after the call began, and that it answered.
func (d *Directory) confirm(ctx context.Context) error {
	before := d.started.Load()
	err := d.take(ctx)
	if err == nil {
		if d.checked > before { // by someone else while this call waited
			d.release()
			return nil
		}
		s := d.begin(ctx)
		err = s.refresh()
		s.leave()
	}
	if err != nil && ctx.Err() == nil {
		d.tell(err)
	}
	return err
}

// take waits for the slot, long enough for those who have it to do their work with a store that answers.
func (d *Directory) take(ctx context.Context) error {
	if d.life.Err() != nil {
		return errClosed
	}
	patience := time.NewTimer(2 * d.timeout)
	defer patience.Stop()
	select {
	case d.slot <- struct{}{}:
		return nil
	case <-d.life.Done():
		return errClosed
	case <-ctx.Done():
		return fmt.Errorf("roles: waiting for the store: %w", ctx.Err())
	case <-patience.C:
		return errors.New("roles: the store still has not answered an earlier call")
	}
}

func (d *Directory) release() { <-d.slot }

// note sets what Err returns.
func (d *Directory) note(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.life.Err() != nil:
	case err == nil:
		d.failure.Store(nil)
	default:
		d.failure.Store(&err)
	}
}

// tell sets what Err returns and calls OnError.
func (d *Directory) tell(err error) {
	d.note(err)
	d.report(err)
}

// report calls OnError.
func (d *Directory) report(err error) {
	if d.onError == nil || d.life.Err() != nil {
		return
	}
	defer func() { _ = recover() }()
	d.onError(err)
}

// vouch makes p the current policy, on the word that the store gave in answer to a question of this time.
func (d *Directory) vouch(p *Policy, asked time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.life.Err() != nil {
		return
	}
	if d.staleness > 0 {
		d.until = asked.Add(d.staleness)
		left := time.Until(d.until)
		if left <= 0 {
			p = nil
		}
		d.expiry.Reset(max(left, 0))
	}
	d.current.Store(p)
}

// expire takes the policy away when it is not vouched for any more.
func (d *Directory) expire() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !time.Now().Before(d.until) {
		d.current.Store(nil)
	}
}

// A session is the time during which one goroutine has the slot. The slot is free again once the session and each call
// of the store are over.
type session struct {
	*Directory
	ctx   context.Context
	users atomic.Int32 // the session itself, and calls of the store that have not returned
}

// begin begins a session of the goroutine that has the slot. It ends with leave.
func (d *Directory) begin(ctx context.Context) *session {
	s := &session{Directory: d, ctx: ctx}
	s.users.Store(1)
	return s
}

func (s *session) leave() {
	if s.users.Add(-1) == 0 {
		s.release()
	}
}

// refresh asks for the revision and, if it is another one than before, loads the roles.
func (s *session) refresh() error {
	number := s.started.Add(1)
	for range 3 {
		asked := time.Now()
		if s.loaded {
			rev, err := call(s, func(ctx context.Context) (Revision, error) { return s.store.Revision(ctx) })
			if err != nil {
				return err
			}
			if rev == s.rev {
				s.vouch(s.good, asked)
				break
			}
			asked = time.Now()
		}
		snap, err := s.load()
		if err != nil {
			return err
		}
		p, broken := s.good.Recompile(snap.roles...)
		before := s.good
		if broken == nil {
			s.good = p
		}
		s.loaded, s.rev, s.broken = true, snap.revision, broken
		s.vouch(s.good, asked)
		s.changed(before, s.good)
		if broken != nil {
			s.tell(broken)
		} else if over := p.overBound(before); over != nil {
			s.report(over)
		}
		// Compiling very many roles takes its time, and the store's word is as old as the load. If little is
		// left of it, ask again whether this is still the revision.
		if s.staleness < 0 || time.Since(asked) < s.staleness/2 {
			break
		}
	}
	s.checked = number
	s.note(s.broken)
	return nil
}

type snapshot struct {
	roles    []Role
	revision Revision
}

func (s *session) load() (snapshot, error) {
	return call(s, func(ctx context.Context) (snapshot, error) {
		rs, revision, err := s.store.Load(ctx)
		return snapshot{rs, revision}, err
	})
}

// call calls the store, for at most the timeout. A call that is abandoned keeps the slot until it returns.
func call[T any](s *session, f func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(s.ctx, s.timeout)
	defer cancel()
	defer context.AfterFunc(s.life, cancel)()
	s.users.Add(1)
	value, err := ask.Run(ctx, errStore, s.leave, f)
	if err != nil && !errors.Is(err, errStore) {
		err = fmt.Errorf("%w: %w", errStore, err)
	}
	return value, err
}

var errStore = errors.New("roles: store")
