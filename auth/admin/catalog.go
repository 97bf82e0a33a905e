package admin

import (
	"context"
	"maps"
	"regexp"
	"slices"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/roles"
)

// Permissions returns the catalog, with its templates spelt out for the names that the host has now. It needs
// what [Service.Roles] needs.
func (s *Service) Permissions(ctx context.Context, by auth.Principal) ([]roles.Group, error) {
	if _, err := s.readRoles(by); err != nil {
		return nil, err
	}
	return s.groups(ctx)
}

func (s *Service) groups(ctx context.Context) ([]roles.Group, error) {
	var names map[string][]string
	if s.cfg.Names != nil {
		ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
		defer cancel()
		var err error
		if names, err = s.cfg.Names(ctx); err != nil {
			return nil, err
		}
	}
	return s.cfg.Catalog.Groups(names), nil
}

// Access says how much of a route or permission a role reaches.
type Access string

const (
	AccessNone Access = "none"
	AccessSome Access = "some" // for some values of its {name}s
	AccessAll  Access = "all"
)

// A Row is one permission or route, and how much of it each role reaches.
type Row struct {
	Group      string // of the catalog
	Label      string
	Pattern    string // of a route
	Permission string // "" if none is needed
	Effect     roles.Effect
	Access     []Access
}

// Matrix says which role reaches which permission of the catalog and which route of the guard. appids are the columns: the
// roles in order, without the built-in one. It needs what [Service.Roles] needs.
func (s *Service) Matrix(ctx context.Context, by auth.Principal) (appids []string, permissions, routes []Row, err error) {
	policy, err := s.readRoles(by)
	if err != nil {
		return nil, nil, nil, err
	}
	groups, err := s.groups(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	appids = policy.AppIDs()
	for _, group := range groups {
		for _, entry := range group.Permissions {
			permissions = append(permissions, Row{Group: group.Name, Label: entry.Label,
				Permission: entry.Permission, Effect: entry.Effect, Access: reach(policy, appids, entry.Permission)})
		}
	}
	for _, route := range s.cfg.Routes() {
		access := slices.Repeat([]Access{AccessAll}, len(appids))
		if !route.Open && !route.Key {
			access = reach(policy, appids, route.Permission)
		}
		routes = append(routes, Row{Pattern: route.Pattern, Permission: route.Permission, Access: access})
	}
	return appids, permissions, routes, nil
}

var name = regexp.MustCompile(`\{[^/]*\}`)

// reach says how much of a permission, with its {name}s, each role allows.
func reach(policy *roles.Policy, appids []string, permission string) []Access {
	pattern := name.ReplaceAllString(permission, "*")
	var access []Access
	for _, appid := range appids {
		switch {
		case policy.Covers(roles.Rights{Role: appid}, roles.Rights{Role: roles.Admin, Scopes: []string{pattern}}):
			access = append(access, AccessAll)
		case policy.Reaches(roles.Rights{Role: appid}, pattern):
			access = append(access, AccessSome)
		default:
			access = append(access, AccessNone)
		}
	}
	return access
}

// Audit returns the records of this service's space that pass f, newest first. It needs [ReadLogs].
func (s *Service) Audit(ctx context.Context, by auth.Principal, f audit.Filter) ([]audit.Record, error) {
	f.Space = s.cfg.Keys.Space()
	return read(ctx, s, s.may(by, ReadLogs), func(ctx context.Context) ([]audit.Record, error) { return s.cfg.Audit.List(ctx, f) })
}

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
