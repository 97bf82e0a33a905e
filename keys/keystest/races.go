package keystest

import (
	"crypto/rand"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/latchkey-go/latchkey/internal/suite"
	"github.com/latchkey-go/latchkey/keys"
)

const (
	callers = 8
	rounds  = 12
)

var raceChecks = []check{
	{"Methods may be called concurrently", func(p *probe) {
		records := make([]keys.Record, callers)
		errs := suite.Together(callers, func(i int) error {
			r := ofUser(fmt.Sprintf("user %d", i))
			for range rounds {
				r.ID, r.Digest, r.Generation = custom().ID, digest(), 1
				if err := p.Insert(background, r); err != nil {
					return fmt.Errorf("error of Insert: %w", err)
				}
				r.Generation, r.Name = 2, fmt.Sprintf("key of user %d", i)
				if err := p.Update(background, r); err != nil {
					return fmt.Errorf("error of Update: %w", err)
				}
				if got, err := p.Find(background, "", []keys.Digest{r.Digest}); err != nil || got.Name != r.Name {
					return fmt.Errorf("after an Update to name %q, Find returns name %q and error %v", r.Name, got.Name, err)
				}
				if _, err := p.List(background, "", keys.Filter{Kind: keys.KindUser, Limit: 3}); err != nil {
					return fmt.Errorf("error of List: %w", err)
				}
			}
			if got, err := p.InvalidateUser(background, "", r.UserID, later); err != nil || len(got) != rounds {
				return fmt.Errorf("of %d keys InvalidateUser returns %d, and error %v", rounds, len(got), err)
			}
			if err := p.Delete(background, "", r.ID); err != nil {
				return fmt.Errorf("error of Delete: %w", err)
			}
			records[i] = r
			return nil
		})
		if err := errors.Join(errs...); err != nil {
			p.broken("%d callers, each with keys of its own: %v", callers, err)
			return
		}
		for _, r := range records {
			p.absent(r, "a key its caller has deleted")
			if n := len(p.list("", keys.Filter{UserID: r.UserID})); n != rounds-1 {
				p.broken("a caller left %d keys, List returns %d", rounds-1, n)
			}
		}
	}},
	{"Of concurrent calls of Insert that clash exactly one succeeds", func(p *probe) {
		sole := clash{"both are the Sole key of a user", func(old, r *keys.Record) {
			*old = soleOf(rand.Text())
			*r = soleOf(old.UserID)
		}}
		for _, c := range slices.Concat([]clash{sole}, insertClashes, clashes) {
			pair := func() [2]keys.Record {
				old, r := custom(), custom()
				c.make(&old, &r)
				return [2]keys.Record{old, r}
			}
			first, second := pair(), pair()
			if p.Insert(background, first[0]) != nil || p.Insert(background, first[1]) == nil ||
				p.Insert(background, second[1]) != nil || p.Insert(background, second[0]) == nil {
				continue // not even so one after the other, which is another promise
			}
			for range rounds / 4 {
				pairs := [callers / 2][2]keys.Record{}
				for i := range pairs {
					pairs[i] = pair()
				}
				errs := suite.Together(callers, func(i int) error { return p.Insert(background, pairs[i/2][i%2]) })
				for i := range pairs {
					p.oneWins(errs[2*i:2*i+2], keys.ErrExists, c.what)
				}
			}
		}
	}},
	{"Of concurrent calls of Update with one Generation exactly one succeeds", func(p *probe) {
		r := p.inserted(custom())
		for range rounds {
			tries := make([]keys.Record, callers)
			for i := range tries {
				tries[i] = r
				tries[i].Generation++
				tries[i].Digest, tries[i].Name = digest(), fmt.Sprintf("caller %d", i)
			}
			errs := suite.Together(callers, func(i int) error { return p.Update(background, tries[i]) })
			winner := p.oneWins(errs, keys.ErrConflict, fmt.Sprintf("%d callers", callers))
			p.stands(tries[winner], "the record, against what the call that succeeded wrote")
			for i := range tries {
				if i != winner {
					p.lost("", tries[i].Digest, "a digest whose Update was refused")
				}
			}
			if r = p.get(r); r.Generation != tries[winner].Generation {
				return
			}
		}
	}},
	{"Update is one step for who reads", func(p *probe) {
		r := custom()
		r.Name, r.Role, r.Previous = "0", "0", digest()
		p.insert(r)
		var stop atomic.Bool
		var reading sync.WaitGroup
		reading.Add(2)
		errs := suite.Together(3, func(i int) error {
			if i == 0 {
				defer stop.Store(true)
				reading.Wait()
				for next := r; next.Generation <= 2*rounds; { // exchange its digests, and count in Name and Role
					next.Digest, next.Previous = next.Previous, next.Digest
					next.Name = fmt.Sprint(next.Generation)
					next.Role = next.Name
					next.Generation++
					if err := p.Update(background, next); err != nil {
						return err
					}
				}
				return nil
			}
			reading.Done()
			for ; !stop.Load(); runtime.Gosched() { // so that readers do not keep the writer out
				got, err := p.Find(background, "", []keys.Digest{r.Digest})
				if i == 2 {
					got, err = p.Get(background, "", r.ID)
				}
				if err != nil {
					return fmt.Errorf("a reader got error %w", err)
				}
				if got.Name != got.Role || got.Name != fmt.Sprint(got.Generation-1) {
					return fmt.Errorf("a reader got Name %q with Role %q and Generation %d, which were never stored together", got.Name, got.Role, got.Generation)
				}
			}
			return nil
		})
		if err := errors.Join(errs...); err != nil {
			p.broken("one caller updates a record, its digests the same two all the time: %v", err)
		}
	}},
	{"InvalidateUser is one step beside calls of Update", func(p *probe) {
		for range rounds / 3 {
			r := p.inserted(ofUser("ada"))
			got := p.besideUpdates(r, "InvalidateUser", func() error {
				return errorOf(p.InvalidateUser(background, "", "ada", later))
			})
			if got.InvalidatedAt.IsZero() {
				p.broken("an Update at the same time revived the key")
			}
		}
	}},
}

// besideUpdates calls change while another caller updates r again and again, until change has won. It returns the record
// that is stored then. A promise is broken if its Generation does not count every change.
func (p *probe) besideUpdates(r keys.Record, what string, change func() error) keys.Record {
	p.Helper()
	var done atomic.Uint64
	updating := make(chan struct{})
	errs := suite.Together(2, func(i int) error {
		if i == 0 {
			<-updating
			return change()
		}
		next := r
		for ; ; runtime.Gosched() {
			next.Generation++
			err := p.Update(background, next)
			if next.Generation == 2 {
				close(updating)
			}
			if errors.Is(err, keys.ErrConflict) || errors.Is(err, keys.ErrInvalidated) {
				return nil
			} else if err != nil {
				return err
			}
			done.Add(1)
			if next.Generation > 2000 {
				return nil
			}
		}
	})
	p.must(errors.Join(errs...), what+" beside Update")
	got := p.get(r)
	if want := done.Load() + 2; got.Generation != want {
		p.broken("of a new record, after %d calls of Update that succeeded and %s, Generation is %d, want %d",
			done.Load(), what, got.Generation, want)
	}
	return got
}
