package cockpit

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/latchkey-go/latchkey/roles"
)

// planRoles settles which roles come over: those that make sense together with those that are here.
func (p *planner) planRoles(ctx context.Context) error {
	stored, revision, err := p.into.Roles.Load(ctx)
	if err != nil {
		return err
	}
	p.revision = revision
	here, folded := map[string]roles.Role{}, map[string]string{}
	for _, r := range stored {
		here[r.AppID], folded[strings.ToLower(r.AppID)] = r, r.AppID
	}
	why, write := p.judgeRoles(here, folded)
	before, _ := roles.Compile(stored...) // nil allows nothing
	for {
		all := maps.Clone(here)
		maps.Copy(all, write)
		p.policy, err = roles.Compile(slices.Collect(maps.Values(all))...)
		if err == nil {
			gains, err := p.worldGains(ctx, before, write)
			if err != nil {
				return err
			}
			if gains == "" {
				break
			}
			delete(write, gains)
			why[gains] = toTheWorld
			continue
		}
		dropped := false
		for _, problem := range roles.Problems(err) {
			if _, ours := write[problem.Role]; ours {
				delete(write, problem.Role)
				why[problem.Role], dropped = problem.Text, true
			}
		}
		if !dropped { // the stored roles do not compile by themselves
			return err
		}
	}
	p.ours = map[string]bool{}
	for _, d := range p.from.roles {
		p.addRole(d, here, write, why[d.role.AppID])
	}
	return nil
}

// judgeRoles returns why roles are refused, by appid, and those that are to be written.
func (p *planner) judgeRoles(here map[string]roles.Role, folded map[string]string) (why map[string]string, write map[string]roles.Role) {
	count := map[string]int{}
	for _, d := range p.from.roles {
		count[d.role.AppID]++
	}
	why, write = map[string]string{}, map[string]roles.Role{}
	for _, d := range p.from.roles {
		role, reason := d.role, d.refused
		stored, there := here[role.AppID]
		other, taken := folded[strings.ToLower(role.AppID)]
		switch {
		case reason != "":
		case strings.EqualFold(role.AppID, roles.Admin):
			reason = "the name is that of the built-in role, which needs no document"
		case count[role.AppID] > 1:
			reason = "there are several roles of this name, and it cannot be told which one counts"
		case taken && other != role.AppID:
			reason = fmt.Sprintf("its name differs only in case from %q", other)
		case !there && !p.into.Overwrite && p.brought[importedRole+" "+role.AppID]:
			reason = removedHere
		}
		if reason != "" {
			why[role.AppID] = reason
			continue
		}
		folded[strings.ToLower(role.AppID)] = role.AppID
		if !there || p.into.Overwrite && len(roleDiffers(stored, role)) > 0 {
			write[role.AppID] = role
		}
	}
	return why, write
}

func roleDiffers(here, cockpit roles.Role) []string {
	return names([]compared{
		{"name", here.Name != cockpit.Name}, {"info", here.Info != cockpit.Info},
		{"permissions", !maps.Equal(here.Permissions, cockpit.Permissions)},
		{"inherits", !slices.Equal(here.Inherits, cockpit.Inherits)},
	})
}

func (p *planner) addRole(d *roleDocument, here, write map[string]roles.Role, why string) {
	appid := d.role.AppID
	stored, there := here[appid]
	why = cmp.Or(d.refused, why)
	kept := there && why == toTheWorld
	if why != "" && !kept {
		p.refuse(&d.head, why)
		return
	}
	p.ours[appid] = true
	differs := roleDiffers(stored, d.role)
	role, writes := write[appid]
	save := func(action string, before map[string]any) func(context.Context) error {
		return func(ctx context.Context) error { return p.saveRole(ctx, role, action, before) }
	}
	switch {
	case !there:
		p.add(&d.head, VerdictNew, save(importedRole, nil))
	case differs != nil:
		var reasons []string
		if kept {
			reasons = append(reasons, toTheWorld)
		}
		if !writes && p.mayMore(d.role) {
			p.wider = append(p.wider, appid)
			reasons = append(reasons, moreHere)
		}
		p.change(&d.head, differs, writes, save("role.update", describeRole(stored)), reasons...)
	default:
		p.add(&d.head, VerdictUnchanged, nil)
	}
}

const moreHere = "it may do more here than in Cockpit"

// mayMore reports whether the existing role allows more than Cockpit's of the same name. Cockpit has no inheritance; of a
// role that inherits only its own permissions count, so mayMore may report true when the role does not allow more.
func (p *planner) mayMore(cockpit roles.Role) bool {
	return !p.policy.Covers(exactly(cockpit), roles.Rights{Role: cockpit.AppID})
}

// exactly returns the rights of a Cockpit role: its permissions have no patterns and no denies.
func exactly(cockpit roles.Role) roles.Rights {
	if len(cockpit.Permissions) == 0 { // no scopes would be everything
		return roles.Rights{}
	}
	return roles.Rights{Role: roles.Admin, Scopes: slices.Collect(maps.Keys(cockpit.Permissions))}
}

func (p *planner) saveRole(ctx context.Context, role roles.Role, action string, before map[string]any) error {
	if err := p.into.Roles.Save(ctx, role, p.revision); err != nil {
		return err
	}
	revision, err := p.into.Roles.Revision(ctx)
	if err != nil {
		return err
	}
	p.revision = revision
	return p.record(ctx, action, role.AppID, before, describeRole(role))
}

func describeRole(role roles.Role) map[string]any {
	about := map[string]any{"name": role.Name, "info": role.Info, "permissions": role.Permissions}
	if len(role.Inherits) > 0 {
		about["inherits"] = role.Inherits
	}
	return about
}
