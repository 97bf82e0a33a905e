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

func (k *keyDocument) entry(v Verdict, reasons ...string) Entry {
	return k.entryOf(AboutKey, k.id, v, reasons...)
}

// planKeys settles which keys come over.
func (p *planner) planKeys(ctx context.Context) error {
	p.addOdd(AboutKey)
	if err := p.readRecords(ctx); err != nil {
		return err
	}
	for i := range p.from.keys {
		if err := p.planKey(ctx, i); err != nil {
			return fmt.Errorf("key %s: %w", p.from.keys[i].id, err)
		}
	}
	return nil
}

// readRecords reads the existing records once, which for many keys takes much less time than a query for each.
func (p *planner) readRecords(ctx context.Context) error {
	ids, users := map[string]bool{}, map[string]bool{}
	for i := range p.from.keys {
		ids[p.from.keys[i].id] = true
		users[p.from.keys[i].userID] = true
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
			if r.InvalidatedAt.IsZero() && r.UserID != "" && users[r.UserID] {
				p.owners[r.UserID] = true
			}
			f.After = r.ID
		}
		if len(page) < f.Limit {
			return nil
		}
	}
}

func (p *planner) planKey(ctx context.Context, i int) error {
	k := &p.from.keys[i]
	role, reasons := p.role(k.role) // none for the key of a user
	here, there := p.here[k.id]
	switch {
	case k.refused != "":
		p.add(k.entry(VerdictRefused, k.refused), nil)
	case k.owner >= 0 && p.refused[k.owner]:
		p.add(k.entry(VerdictRefused, "its user is refused"), nil)
	case there && (here.Kind != k.kind || here.UserID != k.userID):
		p.add(k.entry(VerdictRefused, "another key here has its _id"), nil)
	case there:
		p.planKnown(k, &here, role, reasons)
	case p.brought[importedKey+" "+k.id]:
		p.add(k.entry(VerdictRefused, removedHere), nil)
	case k.twice:
		p.add(k.entry(VerdictRefused, "an earlier key has the same text"), nil)
	case p.owners[k.userID]:
		p.add(k.entry(VerdictRefused, "its user has another key here"), nil)
	default:
		return p.planNew(ctx, i, role, reasons)
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
		p.add(k.entry(verdict, reasons...), nil)
		return
	}
	var step func(context.Context) error
	if p.into.Overwrite {
		id, name := here.ID, k.name
		before := map[string]any{"name": here.Name, "role": here.Role}
		step = func(ctx context.Context) error {
			_, err := p.into.Keys.Update(ctx, id, func(s *keys.Settings) error {
				s.Name, s.Role = name, role
				return nil
			})
			if err != nil {
				return err
			}
			action := "key.update"
			if k.kind == keys.KindUser {
				action = "userkey.update"
			}
			return p.record(ctx, action, id, before, map[string]any{"name": name, "role": role})
		}
	}
	p.add(k.entry(VerdictChanged, append([]string{p.differs(differs)}, reasons...)...), step)
}

// otherTail reports whether a text cannot be the one that a hint was made of. Short texts leave no tail in a hint: of
// them it cannot be told.
func otherTail(text, hint string) bool {
	_, tail, _ := strings.Cut(hint, "…")
	return tail != "" && !strings.HasSuffix(text, tail)
}

// planNew settles whether a key can be imported.
func (p *planner) planNew(ctx context.Context, i int, role string, reasons []string) error {
	k := &p.from.keys[i]
	in := keys.Imported{
		Kind: k.kind, Text: keys.NewKey(k.text), Name: k.name, UserID: k.userID, Role: role, ForeignID: k.id,
		CreatedAt: k.created, CreatedBy: p.into.By, AllowWeak: p.into.AllowWeak,
	}
	would, err := p.into.Keys.CheckImport(ctx, in)
	switch {
	case errors.Is(err, keys.ErrExists):
		p.add(k.entry(VerdictRefused, hereAlready), nil)
		return nil
	case errors.Is(err, keys.ErrRefused):
		why := strings.TrimPrefix(err.Error(), keys.ErrRefused.Error()+": ")
		p.add(k.entry(VerdictRefused, append([]string{why}, reasons...)...), nil)
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
	p.add(k.entry(VerdictNew, reasons...), func(ctx context.Context) error {
		rec, err := p.into.Keys.Import(ctx, in)
		switch {
		case errors.Is(err, keys.ErrExists): // made meanwhile, where no transaction keeps others out
			p.report.Entries[entry] = k.entry(VerdictRefused, hereAlready)
			return nil
		case err != nil:
			return err
		}
		return p.record(ctx, importedKey, rec.ID, nil, describeKey(&rec))
	})
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
