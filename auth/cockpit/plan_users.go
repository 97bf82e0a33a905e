package cockpit

import (
	"context"
	"fmt"
	"strings"
)

// planUsers settles which users come over. Without a table of users they are the host's affair.
func (p *planner) planUsers(ctx context.Context) error {
	p.refused, p.other = map[*userDocument]bool{}, map[*userDocument]bool{}
	logins := map[string]bool{}
	for _, d := range p.from.users {
		why := d.refused
		if login := strings.ToLower(d.user.Login); why == "" && p.into.Users != nil && login != "" {
			if logins[login] {
				why = "an earlier user has this login, or one that differs only in case"
			}
			logins[login] = true
		}
		switch {
		case why != "":
			p.refused[d] = true
			p.refuse(&d.head, why)
		case p.into.Users != nil:
			if err := p.planUser(ctx, d); err != nil {
				return fmt.Errorf("user %s: %w", d.id, err)
			}
		}
	}
	return nil
}

func (p *planner) planUser(ctx context.Context, d *userDocument) error {
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
		p.refused[d] = true
		p.refuse(&d.head, removedHere)
	case !there:
		p.add(&d.head, VerdictNew, func(ctx context.Context) error {
			if _, there, err := p.into.find(ctx, user.ID); err != nil || there { // another node imports, too
				return err
			}
			if err := p.into.Users.Add(ctx, user); err != nil {
				return err
			}
			return p.record(ctx, importedUser, user.ID, nil, describeUser(user))
		}, reasons...)
	case differs == nil:
		p.add(&d.head, VerdictUnchanged, nil, reasons...)
	default:
		p.other[d] = !p.into.Overwrite && (here.Role != user.Role || here.Active && !user.Active)
		p.change(&d.head, differs, p.into.Overwrite, func(ctx context.Context) error {
			if err := p.into.Users.Change(ctx, user); err != nil {
				return err
			}
			return p.record(ctx, "user.update", user.ID, describeUser(here), describeUser(user))
		}, reasons...)
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
