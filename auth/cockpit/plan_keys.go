package cockpit

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/latchkey-go/latchkey/keys"
)

const (
	hereAlready = "another key here has its text"
	weakReason  = "it is weak: refresh it soon"
	otherRights = "its user's role or active is different here, and counts"
)

// planKeys settles which keys come over.
func (p *planner) planKeys(ctx context.Context) error {
	if err := p.readRecords(ctx); err != nil {
		return err
	}
	for _, k := range p.from.keys {
		if err := p.planKey(ctx, k); err != nil {
			return fmt.Errorf("key %s: %w", k.id, err)
		}
	}
	return nil
}

// readRecords reads the existing records once, which for many keys takes much less time than a query for each.
func (p *planner) readRecords(ctx context.Context) error {
	ids := map[string]bool{} // of keys; a user's key has the user's
	for _, k := range p.from.keys {
		ids[k.id] = true
	}
	p.here, p.owners = map[string]keys.Record{}, map[string]bool{}
	f := keys.Filter{Limit: 1000}
	for {
		page, err := p.into.Keys.List(ctx, f)
		if err != nil {
			return err
		}
		for i := range page {
			r := &page[i]
			if r.ForeignID != "" && ids[r.ForeignID] {
				p.here[r.ForeignID] = *r
			}
			if r.InvalidatedAt.IsZero() && r.UserID != "" && ids[r.UserID] {
				p.owners[r.UserID] = true
			}
			f.After = r.ID
		}
		if len(page) < f.Limit {
			return nil
		}
	}
}

func (p *planner) planKey(ctx context.Context, k *keyDocument) error {
	role, reasons := p.role(k.role) // none for the key of a user
	here, there := p.here[k.id]
	switch {
	case k.refused != "":
		p.refuse(&k.head, k.refused)
	case p.refused[k.owner]:
		p.refuse(&k.head, "its user is refused")
	case there && (here.Kind != k.kind || here.UserID != k.userID):
		p.refuse(&k.head, "another key here has its _id")
	case there:
		p.planKnown(k, &here, role, reasons)
	case p.brought[importedKey+" "+k.id]:
		p.refuse(&k.head, removedHere)
	case k.twice:
		p.refuse(&k.head, "an earlier key has the same text")
	case p.owners[k.userID]:
		p.refuse(&k.head, "its user has another key here")
	default:
		return p.planNew(ctx, k, role, reasons)
	}
	return nil
}

// planKnown plans an existing key. It never changes the value.
func (p *planner) planKnown(k *keyDocument, here *keys.Record, role string, reasons []string) {
	differs := names([]compared{{"name", here.Name != k.name}, {"role", here.Role != role}})
	ended := !here.InvalidatedAt.IsZero()
	if here.Weak && !ended {
		reasons = append(reasons, weakReason)
	}
	verdict := VerdictUnchanged
	switch {
	case ended:
		reasons = append([]string{"it was ended here, and stays so"}, reasons...)
	case !here.RefreshedAt.IsZero():
		reasons = append(reasons, "it was refreshed here, and Cockpit's text is not taken again")
	case otherTail(k.text, here.Hint):
		reasons = append(reasons, "it has another text in Cockpit now, which is not taken: refresh it here, too")
		verdict = VerdictChanged
	}
	if ended || differs == nil {
		p.add(&k.head, verdict, nil, reasons...)
		return
	}
	p.change(&k.head, differs, p.into.Overwrite, func(ctx context.Context) error {
		_, err := p.into.Keys.Update(ctx, here.ID, func(s *keys.Settings) error {
			s.Name, s.Role = k.name, role
			return nil
		})
		if err != nil {
			return err
		}
		action := "key.update"
		if k.kind == keys.KindUser {
			action = "userkey.update"
		}
		return p.record(ctx, action, here.ID, map[string]any{"name": here.Name, "role": here.Role},
			map[string]any{"name": k.name, "role": role})
	}, reasons...)
}

// otherTail reports whether a text cannot be the one that a hint was made of. Short texts leave no tail in a hint: of
// them it cannot be told.
func otherTail(text, hint string) bool {
	_, tail, _ := strings.Cut(hint, "…")
	return tail != "" && !strings.HasSuffix(text, tail)
}

// planNew settles whether a key can be imported.
func (p *planner) planNew(ctx context.Context, k *keyDocument, role string, reasons []string) error {
	in := keys.Imported{
		Kind: k.kind, Text: keys.NewKey(k.text), Name: k.name, UserID: k.userID, Role: role, ForeignID: k.id,
		CreatedAt: k.created, CreatedBy: p.into.By, AllowWeak: p.into.AllowWeak,
	}
	would, err := p.into.Keys.CheckImport(ctx, in)
	switch {
	case errors.Is(err, keys.ErrExists):
		p.refuse(&k.head, hereAlready)
		return nil
	case errors.Is(err, keys.ErrRefused):
		why := strings.TrimPrefix(err.Error(), keys.ErrRefused.Error()+": ")
		p.refuse(&k.head, append([]string{why}, reasons...)...)
		return nil
	case err != nil:
		return err
	case would.Weak:
		reasons = append(reasons, weakReason)
	}
	if k.userID != "" {
		p.owners[k.userID] = true
		if p.other[k.owner] {
			reasons = append(reasons, otherRights)
		}
	}
	entry := len(p.report.Entries)
	p.add(&k.head, VerdictNew, func(ctx context.Context) error {
		rec, err := p.into.Keys.Import(ctx, in)
		switch {
		case errors.Is(err, keys.ErrExists): // made meanwhile, where no transaction keeps others out
			p.report.Entries[entry] = k.entry(VerdictRefused, hereAlready)
			return nil
		case err != nil:
			return err
		}
		return p.record(ctx, importedKey, rec.ID, nil, describeKey(&rec))
	}, reasons...)
	return nil
}

// describeKey returns a new key as the audit log records it.
func describeKey(r *keys.Record) map[string]any {
	about := map[string]any{"kind": string(r.Kind), "hint": r.Hint, "foreign_id": r.ForeignID, "weak": r.Weak}
	for name, text := range map[string]string{"name": r.Name, "user": r.UserID, "role": r.Role} {
		if text != "" {
			about[name] = text
		}
	}
	return about
}
