package sqlstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/latchkey-go/latchkey/auth/audit"
)

// Audit is the part of a [Store] that keeps the audit log. Its methods use the transaction that their context
// carries, see [Store.InTx], so a change and its record are stored together or not at all. A record does not change
// the revision and notifies no listener.
//
// Records are only added. Triggers refuse every UPDATE, and every INSERT that would replace a record. DELETE is for
// the operator, to drop old records; nothing in this package deletes them:
//
//	DELETE FROM latchkey_audit WHERE at < 1767225600000000; -- microseconds, UTC
type Audit struct{ s *Store }

// Audit returns the audit log.
func (s *Store) Audit() *Audit { return &Audit{s} }

var _ audit.Log = (*Audit)(nil)

const (
	auditColumns = `id, space, at, actor, actor_name, action, object, peer, old_values, new_values`

	// In SQLite the condition holds back a record that the trigger would refuse. In PostgreSQL two may find it true at once.
	appendText = `INSERT INTO latchkey_audit (` + auditColumns + `) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10
		WHERE NOT EXISTS (SELECT 1 FROM latchkey_audit WHERE id = ?1) ON CONFLICT DO NOTHING`
)

// An auditRow is one record as the database has it.
type auditRow [10]any

// Append implements [audit.Log]. A record with an ID that exists is refused without ending the transaction.
func (a *Audit) Append(ctx context.Context, r audit.Record) error {
	w, err := encodeAudit(r)
	if err != nil {
		return err
	}
	n, err := a.s.exec(ctx, &a.s.append, w[:]...)
	if err == nil && n == 0 {
		return errors.New("sqlstore: append to the audit log: a record with this ID exists")
	}
	return storeError(ctx, "append to the audit log", err)
}

// List implements [audit.Log].
func (a *Audit) List(ctx context.Context, f audit.Filter) ([]audit.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if unstorable(f.Space, f.Actor, f.Action, f.Object, f.Before) {
		return nil, nil
	}
	text, args := auditQuery(f)
	st := a.s.unprepared(text)
	var w auditRow
	page, err := all(ctx, a.s, &st, args, w[:], w.decode)
	return page, storeError(ctx, "list the audit log", err)
}

// auditQuery returns the query for f. It has only the conditions of f, so that the database can choose an index for
// one of them.
func auditQuery(f audit.Filter) (text string, args []any) {
	text, args = `SELECT `+auditColumns+` FROM latchkey_audit WHERE space = ?1`, []any{f.Space}
	also := func(condition string, arg any) {
		args = append(args, arg)
		text += fmt.Sprintf("%s ?%d", condition, len(args))
	}
	for _, c := range []struct{ condition, text string }{
		{" AND actor =", f.Actor}, {" AND action =", f.Action}, {" AND object =", f.Object}, {" AND id <", f.Before},
	} {
		if c.text != "" {
			also(c.condition, c.text)
		}
	}
	if !f.Since.IsZero() {
		also(" AND at >=", microsUp(f.Since))
	}
	if !f.Until.IsZero() {
		also(" AND at <", microsUp(f.Until))
	}
	also(" ORDER BY id DESC LIMIT", f.Size())
	return text, args
}

// microsUp returns the first whole microsecond that is not before t, within the range that is stored.
func microsUp(t time.Time) int64 {
	switch {
	case t.After(time.UnixMicro(math.MaxInt64)):
		return math.MaxInt64
	case t.Before(time.UnixMicro(math.MinInt64)):
		return math.MinInt64
	case t.Nanosecond()%1000 != 0:
		return t.UnixMicro() + 1
	}
	return t.UnixMicro()
}

// encodeAudit returns r as it is stored. It refuses a record that could not be read again.
func encodeAudit(r audit.Record) (*auditRow, error) {
	if r.ID == "" || r.At.IsZero() {
		return nil, errors.New("sqlstore: the audit record has no ID or no time")
	}
	r, err := audit.Stamp(r)
	if err != nil {
		return nil, err
	}
	if unstorable(r.ID, r.Space, r.Actor, r.ActorName, r.Action, r.Object, r.From) {
		return nil, errors.New("sqlstore: the audit record has a text that is not UTF-8 or has a zero byte")
	}
	w := auditRow{r.ID, r.Space, r.At.UnixMicro(), r.Actor, r.ActorName, r.Action, r.Object, r.From,
		object(r.Before), object(r.After)}
	read, wrong := w.read()
	if wrong == "" && !read.At.Equal(r.At) {
		wrong = "at: not a time in whole microseconds"
	}
	if wrong != "" {
		return nil, errors.New("sqlstore: the audit record cannot be stored: " + wrong)
	}
	return &w, nil
}

// decode returns the record in w, or an error that names the row and the column.
func (w *auditRow) decode() (audit.Record, error) {
	r, wrong := w.read()
	return r, corrupt("audit record", r.ID, wrong)
}

func (w *auditRow) read() (_ audit.Record, wrong string) {
	c := cells{rest: w[:]}
	r := audit.Record{
		ID: c.text("id"), Space: c.text("space"), At: c.time("at"), Actor: c.text("actor"), ActorName: c.text("actor_name"),
		Action: c.text("action"), Object: c.text("object"), From: c.text("peer"),
		Before: c.object("old_values"), After: c.object("new_values"),
	}
	if r.ID == "" {
		c.corrupt("id", "empty")
	}
	if r.At.IsZero() {
		c.corrupt("at", "not a time")
	}
	return r, c.wrong
}

// object reads a JSON object, which may be missing.
func (c *cells) object(column string) map[string]any {
	if c.rest[0] == nil {
		c.next()
		return nil
	}
	var values map[string]any
	if err := json.Unmarshal([]byte(c.text(column)), &values); err != nil || len(values) == 0 {
		c.corrupt(column, "not a JSON object with members")
		return nil
	}
	return values
}

// object writes values as a JSON object: nil if there are none. [audit.Stamp] has made them plain.
func object(values map[string]any) any {
	if values == nil {
		return nil
	}
	written, _ := json.Marshal(values) // plain values can be written
	return string(written)
}
