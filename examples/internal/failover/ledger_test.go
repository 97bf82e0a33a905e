package failover

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// A value is one issued key, as its writer knows it. Each writer has keys and a role of its own.
type value struct {
	secret  string
	begun   bool      // its writer has begun to end it
	ended   time.Time // when the store acknowledged that it is revoked or refreshed; zero: it did not
	unsure  bool      // a change of it failed, and may have been made
	touched time.Time // when the latest change of it ended
}

// A ledger has what was acknowledged.
type ledger struct {
	mu     sync.Mutex
	values []*value
	roles  map[string]int // the number of the latest acknowledged edit, by appid
	writes int
	wrong  []string
}

func newLedger() *ledger { return &ledger{roles: map[string]int{}} }

func (l *ledger) locked(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
}

func (l *ledger) complain(format string, args ...any) {
	l.locked(func() {
		if len(l.wrong) < 20 {
			l.wrong = append(l.wrong, fmt.Sprintf(format, args...))
		}
	})
}

func (l *ledger) count() (n int) {
	l.locked(func() { n = l.writes })
	return n
}

// issued notes a new value.
func (l *ledger) issued(secret string) (v *value) {
	l.locked(func() {
		v = &value{secret: secret, touched: time.Now()}
		l.values = append(l.values, v)
		l.writes++
	})
	return v
}

// end calls f, which ends v, and notes the outcome.
func (l *ledger) end(v *value, f func() error) error {
	l.locked(func() { v.begun = true })
	err := f()
	l.locked(func() {
		v.touched = time.Now()
		if err != nil {
			v.unsure = true
		} else {
			v.ended = v.touched
			l.writes++
		}
	})
	return err
}

// write issues, refreshes and invalidates keys and edits a role through n until ctx is done.
func (l *ledger) write(ctx context.Context, n *node, writer int) {
	appid, edits := fmt.Sprint("writer", writer), 0
	l.locked(func() { edits = l.roles[appid] + 1000 }) // past those that failed
	for ctx.Err() == nil {
		time.Sleep(rand.N(100 * time.Millisecond))
		made, err := n.ring.IssueCustom(context.Background(), keys.Custom{Name: appid, Role: "editor"})
		if err != nil {
			continue
		}
		v := l.issued(made.Key.Reveal())
		if rand.N(2) == 0 {
			var renewed keys.Issued
			if l.end(v, func() (err error) {
				renewed, err = n.ring.Refresh(context.Background(), made.Record.ID, keys.Renewal{})
				return err
			}) != nil {
				continue
			}
			v = l.issued(renewed.Key.Reveal())
		}
		if rand.N(2) == 0 {
			_ = l.end(v, func() error { return n.ring.Invalidate(context.Background(), made.Record.ID) })
		}
		if writer%4 == 0 {
			edits++
			role := roles.Role{AppID: appid, Name: fmt.Sprint(edits), Permissions: roles.Grants{grant(edits): true}}
			if n.directory.Save(context.Background(), role) == nil {
				l.locked(func() { l.roles[appid] = edits; l.writes++ })
			}
		}
	}
}

func grant(edit int) string { return fmt.Sprint("edit/", edit) }

// read verifies keys through n until ctx is done. With strict, no acknowledged change may be undone: then a revoked
// value is refused once the staleness is over, and another one is not.
func (l *ledger) read(ctx context.Context, n *node, strict bool) {
	for ctx.Err() == nil {
		time.Sleep(rand.N(200 * time.Millisecond))
		var v *value
		var before value
		l.locked(func() {
			if len(l.values) > 0 {
				v = l.values[len(l.values)-1-rand.N(min(len(l.values), 400))]
				before = *v
			}
		})
		if v == nil {
			continue
		}
		began := time.Now()
		_, err := n.ring.Verify(context.Background(), v.secret)
		if !strict {
			continue
		}
		var after value
		l.locked(func() { after = *v })
		switch {
		case err == nil && !before.ended.IsZero() && began.After(before.ended.Add(staleness)):
			l.complain("a value that was revoked %v before is good", began.Sub(before.ended))
		case errors.Is(err, keys.ErrInvalid) && !after.begun:
			l.complain("a value that nothing revoked is refused: %v", err)
		}
	}
}
