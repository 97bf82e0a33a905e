package sqlstore

import (
	"context"
	"math"

	"github.com/latchkey-go/latchkey/keys"
)

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
