package admin

import (
	"context"
	"regexp"

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

// Access is how much of a route or permission a role reaches.
type Access string

const (
	AccessNone Access = "none"
	AccessSome Access = "some" // for some values of its {name}s
	AccessAll  Access = "all"
)

// A Matrix says which role reaches what.
type Matrix struct {
	Roles       []string // appids, in order, without the built-in role
	Permissions []Row    // of the catalog
	Routes      []Row    // of the guard
}

// A Row is one permission or route, and how much of it each role of the matrix reaches.
type Row struct {
	Group      string // of the catalog
	Label      string
	Pattern    string // of a route
	Permission string // "" if none is needed
	Effect     roles.Effect
	Access     []Access
}

// Matrix says which role reaches which permission and which route. It needs what [Service.Roles] needs.
func (s *Service) Matrix(ctx context.Context, by auth.Principal) (Matrix, error) {
	policy, err := s.readRoles(by)
	if err != nil {
		return Matrix{}, err
	}
	groups, err := s.groups(ctx)
	if err != nil {
		return Matrix{}, err
	}
	m := Matrix{Roles: policy.AppIDs()}
	for _, group := range groups {
		for _, entry := range group.Permissions {
			m.Permissions = append(m.Permissions, Row{Group: group.Name, Label: entry.Label,
				Permission: entry.Permission, Effect: entry.Effect, Access: reach(policy, m.Roles, entry.Permission)})
		}
	}
	for _, route := range s.cfg.Routes() {
		row := Row{Pattern: route.Pattern, Permission: route.Permission}
		if route.Open {
			for range m.Roles {
				row.Access = append(row.Access, AccessAll)
			}
		} else {
			row.Access = reach(policy, m.Roles, route.Permission)
		}
		m.Routes = append(m.Routes, row)
	}
	return m, nil
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

// Audit returns what was changed, newest first, in this service's space. It needs [ReadLogs].
func (s *Service) Audit(ctx context.Context, by auth.Principal, f audit.Filter) ([]audit.Record, error) {
	if err := s.may(by, ReadLogs); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	f.Space = s.cfg.Keys.Space()
	return s.cfg.Audit.List(ctx, f)
}
