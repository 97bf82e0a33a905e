package admin

import (
	"context"
	"maps"
	"slices"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/roles"
)

// Explain says how much of a permission or pattern a role allows, and why. It returns at least one decision, and exactly
// one if that is the whole reason. A pattern that no single grant decides has one decision for each grant that matches a
// part of it, nearest role first. It needs what [Service.Roles] needs.
func (s *Service) Explain(ctx context.Context, by auth.Principal, appid, permission string) ([]roles.Decision, Access, error) {
	policy, err := s.readRoles(by)
	if err != nil {
		return nil, AccessNone, err
	}
	budget := &roles.Budget{Steps: maxSteps}
	policy = policy.Within(ctx, budget)
	d := policy.Explain(appid, permission)
	switch {
	case d.Allowed:
		return []roles.Decision{d}, AccessAll, nil
	case d.Reason != roles.ReasonMalformed || !roles.ValidPattern(permission):
		return []roles.Decision{d}, AccessNone, nil
	case appid == roles.Admin:
		return []roles.Decision{{Allowed: true, Reason: roles.ReasonAdmin, Role: appid}}, AccessAll, nil
	}
	access := reach(policy, []string{appid}, permission)[0]
	var partly []roles.Decision
	asked := roles.Rights{Role: roles.Admin, Scopes: []string{permission}}
	for _, from := range policy.Lineage(appid) {
		role, _ := policy.Role(from)
		for _, grant := range slices.Sorted(maps.Keys(role.Permissions)) {
			granted := roles.Rights{Role: roles.Admin, Scopes: []string{grant}}
			if !policy.Reaches(granted, permission) {
				continue
			}
			d := roles.Decision{Allowed: role.Permissions[grant], Reason: roles.ReasonDenied, Role: from, Grant: grant}
			if d.Allowed {
				d.Reason = roles.ReasonGranted
			}
			decides := access == AccessAll && d.Allowed || access == AccessNone && !d.Allowed
			if decides && policy.Covers(granted, asked) && budget.Err() == nil {
				return []roles.Decision{d}, access, nil
			}
			partly = append(partly, d)
		}
	}
	if err := budget.Err(); err != nil {
		return nil, AccessNone, costly(err)
	}
	if access == AccessNone && !slices.ContainsFunc(partly, func(d roles.Decision) bool { return d.Allowed }) {
		partly = []roles.Decision{{Reason: roles.ReasonNotGranted, Role: appid}}
	}
	return partly, access, nil
}
