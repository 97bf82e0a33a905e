package cockpit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// Plan reports what [Import] would do now, and writes nothing. Its error is a store error or a mistake in into.
func Plan(ctx context.Context, source *Source, into Into) (*Report, error) {
	if err := into.check(source); err != nil {
		return nil, err
	}
	p, err := plan(ctx, source, into)
	if err != nil {
		return nil, err
	}
	return p.finish(), nil
}

// A planner collects the steps of an import. It only reads; the steps write.
type planner struct {
	into   Into
	from   *documents
	report Report
	steps  []func(context.Context) error // in the order of entries

	roleSteps int // how many steps write roles: they are the first

	revision roles.Revision // after the roles are written
	policy   *roles.Policy  // after the roles are written
	ours     map[string]bool
	wider    []string // roles that may do more here than in Cockpit
	refused  map[*userDocument]bool
	other    map[*userDocument]bool // users with other rights here

	here    map[string]keys.Record // existing ones by foreign ID
	owners  map[string]bool        // users with a key that is not invalidated
	brought map[string]bool        // by an earlier import, by action and ID
	blind   bool                   // the log cannot be listed
}

func plan(ctx context.Context, source *Source, into Into) (*planner, error) {
	p := &planner{into: into, from: source.documents()}
	p.report.Entries = []Entry{}
	for _, part := range []struct {
		name  string
		about What
		plan  func(context.Context) error
	}{
		{"audit log", "", p.readLog}, {"roles", AboutRole, p.planRoles}, {"users", AboutUser, p.planUsers},
		{"keys", AboutKey, p.planKeys}, {"public API", AboutPublic, p.planPublic},
	} {
		for _, e := range p.from.odd {
			if e.What == part.about {
				p.report.Entries = append(p.report.Entries, e)
			}
		}
		if err := part.plan(ctx); err != nil {
			return nil, fmt.Errorf("cockpit: %s: %w", part.name, err)
		}
		if part.name == "roles" {
			p.roleSteps = len(p.steps)
		}
	}
	return p, nil
}

// refuse adds the entry of a document that is refused.
func (p *planner) refuse(h *head, reasons ...string) { p.add(h, VerdictRefused, nil, reasons...) }

// change adds the entry of a document that is different here in these fields, and the step if Cockpit's is taken.
func (p *planner) change(h *head, in []string, taken bool, step func(context.Context) error, reasons ...string) {
	end := written
	if !taken {
		step, end = nil, keptHere
	}
	p.add(h, VerdictChanged, step, append([]string{"different in " + strings.Join(in, ", ") + ": " + end}, reasons...)...)
}

// add adds the entry of a document, and the step that makes it true unless it is nil.
func (p *planner) add(h *head, v Verdict, step func(context.Context) error, reasons ...string) {
	e := h.entry(v, reasons...)
	p.report.Entries = append(p.report.Entries, e)
	if step != nil {
		p.steps = append(p.steps, func(ctx context.Context) error {
			if err := step(ctx); err != nil {
				return fmt.Errorf("cockpit: %s %s: %w", e.What, oneWord(e.ID), err)
			}
			return nil
		})
	}
}

// finish adds the lines about the whole import.
func (p *planner) finish() *Report {
	r := &p.report
	if p.blind && slices.ContainsFunc(r.Entries, func(e Entry) bool { return e.Verdict == VerdictNew && e.What != AboutPublic }) {
		r.Warnings = append(r.Warnings, "no audit log tells what an earlier import brought: "+
			"what was removed here since comes back, with the keys that Cockpit has")
	}
	for _, appid := range p.wider {
		r.Warnings = append(r.Warnings, fmt.Sprintf("role %q may do more here than in Cockpit: so may the keys and users that have it", appid))
	}
	weak := 0
	for _, e := range r.Entries {
		if e.Verdict != VerdictRefused && strings.Contains(e.Reason, weakReason) {
			weak++
		}
	}
	if weak > 0 {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%d keys are weak: refresh them", weak))
	}
	return r
}

// entry makes the entry of a document. Its reasons come before the notes.
func (h *head) entry(v Verdict, reasons ...string) Entry {
	return Entry{h.what, h.id, h.name, v, strings.Join(append(reasons, h.notes...), "; ")}
}

const (
	removedHere = "it was brought here before and removed here since"
	keptHere    = "what is here stays as it is"
	written     = "Cockpit's is taken"
)

// A compared is a field that was compared with Cockpit's.
type compared struct {
	name    string
	differs bool
}

// names returns the names of the fields that differ, or nil.
func names(fields []compared) (in []string) {
	for _, f := range fields {
		if f.differs {
			in = append(in, f.name)
		}
	}
	return in
}

// role returns the role that a document gives, if it has come over, and else none and the reason.
func (p *planner) role(appid string) (role string, why []string) {
	if appid == "" || appid == roles.Admin || p.from.rolesHere && p.policy.Has(appid) || p.ours[appid] {
		return appid, nil
	}
	return "", []string{fmt.Sprintf("there is no role %q: it comes without a role", appid)}
}

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
