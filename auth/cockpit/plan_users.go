package cockpit

import (
	"context"
	"fmt"
	"strings"
)

// planUsers settles which users come over. Without a table of users they are the host's affair.
func (p *planner) planUsers(ctx context.Context) error {
	p.addOdd(AboutUser)
	p.refused, p.other = make([]bool, len(p.from.users)), make([]bool, len(p.from.users))
	logins := map[string]bool{}
	for i := range p.from.users {
		d := &p.from.users[i]
		why := d.refused
		if login := strings.ToLower(d.user.Login); why == "" && p.into.Users != nil && login != "" {
			if logins[login] {
				why = "an earlier user has this login, or one that differs only in case"
			}
			logins[login] = true
		}
		switch {
		case why != "":
			p.refused[i] = true
			p.add(d.entryOf(AboutUser, d.id, VerdictRefused, why), nil)
		case p.into.Users != nil:
			if err := p.planUser(ctx, i); err != nil {
				return fmt.Errorf("user %s: %w", d.id, err)
			}
		}
	}
	return nil
}

func (p *planner) planUser(ctx context.Context, i int) error {
	d := &p.from.users[i]
	user := d.user
	var reasons []string
	user.Role, reasons = p.role(user.Role)
	here, there, err := p.into.find(ctx, user.ID)
	if err != nil {
		return err
	}
	differs := userDiffers(here, user)
	switch {
	case !there && !p.into.Overwrite && p.brought[importedUser+" "+user.ID]:
		p.refused[i] = true
		p.add(d.entryOf(AboutUser, d.id, VerdictRefused, removedHere), nil)
	case !there:
		p.add(d.entryOf(AboutUser, d.id, VerdictNew, reasons...), func(ctx context.Context) error {
			if _, there, err := p.into.find(ctx, user.ID); err != nil || there { // another node imports, too
				return err
			}
			if err := p.into.Users.Add(ctx, user); err != nil {
				return err
			}
			return p.record(ctx, importedUser, user.ID, nil, describeUser(user))
		})
	case differs == nil:
		p.add(d.entryOf(AboutUser, d.id, VerdictUnchanged, reasons...), nil)
	default:
		p.other[i] = !p.into.Overwrite && (here.Role != user.Role || here.Active && !user.Active)
		var step func(context.Context) error
		if p.into.Overwrite {
			step = func(ctx context.Context) error {
				if err := p.into.Users.Change(ctx, user); err != nil {
					return err
				}
				return p.record(ctx, "user.update", user.ID, describeUser(here), describeUser(user))
			}
		}
		p.add(d.entryOf(AboutUser, d.id, VerdictChanged, append([]string{p.differs(differs)}, reasons...)...), step)
	}
	return nil
}

// userDiffers compares the fields that the host stores. It skips a text for people that is "": the host may not store it.
func userDiffers(here, cockpit User) []string {
	text := func(here, cockpit string) bool { return here != "" && here != cockpit }
	return names([]compared{
		{"login", text(here.Login, cockpit.Login)}, {"name", text(here.Name, cockpit.Name)},
		{"email", text(here.Email, cockpit.Email)}, {"role", here.Role != cockpit.Role}, {"active", here.Active != cockpit.Active},
	})
}

func describeUser(u User) map[string]any {
	return map[string]any{"login": u.Login, "name": u.Name, "role": u.Role, "active": u.Active}
}
