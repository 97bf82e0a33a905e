package admin

import (
	"context"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/roles"
)

// Roles returns all roles in order of their appids, without the built-in one. It needs one of [ManageRoles],
// [ManageAPI] and [ManageUsers].
func (s *Service) Roles(_ context.Context, by auth.Principal) ([]roles.Role, error) {
	policy, err := s.readRoles(by)
	if err != nil {
		return nil, err
	}
	return policy.Roles(), nil
}

// Role returns one role. It needs what [Service.Roles] needs.
func (s *Service) Role(_ context.Context, by auth.Principal, appid string) (roles.Role, error) {
	policy, err := s.readRoles(by)
	if err != nil {
		return roles.Role{}, err
	}
	role, ok := policy.Role(appid)
	if !ok {
		return roles.Role{}, plainly(roles.ErrNotFound)
	}
	return role, nil
}

func (s *Service) readRoles(by auth.Principal) (*roles.Policy, error) {
	if err := s.mayAny(by, ManageRoles, ManageAPI, ManageUsers); err != nil {
		return nil, err
	}
	policy := s.cfg.Roles.Policy()
	if policy == nil {
		return nil, errNoPolicy
	}
	return policy, nil
}
