package cockpit

import (
	"context"
	"errors"

	"github.com/latchkey-go/latchkey/auth/audit"
)

// The actions in the records of an import. Those of new objects later identify what an import added.
const (
	importedRole = "role.import"
	importedUser = "user.import"
	importedKey  = "key.import"
)

// readLog reads from the log which objects earlier imports added.
func (p *planner) readLog(ctx context.Context) error {
	p.brought = map[string]bool{}
	if p.into.Audit == nil {
		p.blind = true
		return nil
	}
	for _, action := range []string{importedRole, importedUser, importedKey} {
		f := audit.Filter{Space: p.into.Keys.Space(), Action: action, Limit: 1000}
		for {
			page, err := p.into.Audit.List(ctx, f)
			if errors.Is(err, audit.ErrNotListed) {
				p.blind = true
				return nil
			}
			if err != nil {
				return err
			}
			for _, r := range page {
				id := r.Object
				if action == importedKey {
					id, _ = r.After["foreign_id"].(string)
				}
				p.brought[action+" "+id] = true
				f.Before = r.ID
			}
			if len(page) < f.Size() {
				break
			}
		}
	}
	return nil
}

// record appends a change to the log.
func (p *planner) record(ctx context.Context, action, object string, before, after map[string]any) error {
	if p.into.Audit == nil {
		return nil
	}
	r, err := audit.Stamp(audit.Record{
		Actor: p.into.By, Action: action, Object: object, Space: p.into.Keys.Space(), Before: before, After: after,
	})
	if err != nil {
		return err
	}
	return p.into.Audit.Append(ctx, r)
}
