package admin

import (
	"context"
	"fmt"
	"strings"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// Public returns the setting of the public API, and what that lets the world do. It needs [ManageAPI]. It returns
// [ErrNotFound] if the public API is not managed here.
func (s *Service) Public(ctx context.Context, by auth.Principal) (publicapi.Setting, publicapi.Report, error) {
	fail := func(err error) (publicapi.Setting, publicapi.Report, error) {
		return publicapi.Setting{}, publicapi.Report{}, plainly(err)
	}
	if err := s.mayPublic(by); err != nil {
		return fail(err)
	}
	ctx, cancel := context.WithTimeout(ctx, s.c.Timeout)
	defer cancel()
	setting, err := s.c.Public.Current(ctx)
	if err != nil {
		return fail(err)
	}
	policy := s.c.Roles.Policy()
	if policy == nil {
		return fail(errNoPolicy)
	}
	return setting, publicapi.Exposure(policy, setting.Role, s.c.Catalog, s.c.Routes()), nil
}

// PreviewPublic says what the world could do if this were the public role; "" is closed. It needs [ManageAPI].
func (s *Service) PreviewPublic(_ context.Context, by auth.Principal, appid string) (publicapi.Report, error) {
	if err := s.mayPublic(by); err != nil {
		return publicapi.Report{}, err
	}
	policy := s.c.Roles.Policy()
	if policy == nil {
		return publicapi.Report{}, errNoPolicy
	}
	if err := possible(policy, appid); err != nil && appid != "" {
		return publicapi.Report{}, err
	}
	return publicapi.Exposure(policy, appid, s.c.Catalog, s.c.Routes()), nil
}

// possible reports whether a role can be the public one.
func possible(policy *roles.Policy, appid string) error {
	switch {
	case strings.EqualFold(appid, roles.Admin):
		return &InputError{"role", "can never be public: it is the super role"}
	case !policy.Has(appid):
		return &InputError{"role", "is not the appid of a role"}
	}
	return nil
}

// OpenPublic gives the role to everybody who shows no key. It needs [ManageAPI] and cover for the role. What the
// role can change must be acknowledged, as for [publicapi.Service.Set], which says more. match is the
// [SettingRevision] that the caller knows, or "".
func (s *Service) OpenPublic(ctx context.Context, by auth.Principal, appid, match string, acknowledged ...string) (publicapi.Setting, error) {
	if err := s.mayPublic(by); err != nil {
		return publicapi.Setting{}, err
	}
	return s.changePublic(ctx, by, match, "public.set", func(ctx context.Context, c *change, before publicapi.Setting) (func(context.Context) error, error) {
		if err := possible(c.policy, appid); err != nil {
			return nil, err
		}
		if err := c.covers(roles.Rights{Role: appid}); err != nil {
			return nil, err
		}
		if before.Role == appid {
			return nil, nil // it is so already
		}
		err := c.ahead("writes of "+appid, func() error {
			writes := s.c.Catalog.Writes(c.policy, appid)
			if !publicapi.Acknowledged(writes, acknowledged) {
				return &publicapi.UnacknowledgedError{Role: appid, Writes: writes}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context) error {
			return s.c.Public.Set(ctx, appid, c.by.author(), acknowledged...)
		}, nil
	})
}

// ClosePublic closes the public API: callers who show nothing get 401. It needs [ManageAPI]. A second call changes
// nothing. match is as for OpenPublic.
func (s *Service) ClosePublic(ctx context.Context, by auth.Principal, match string) (publicapi.Setting, error) {
	if err := s.mayPublic(by); err != nil {
		return publicapi.Setting{}, err
	}
	return s.changePublic(ctx, by, match, "public.close", func(ctx context.Context, c *change, before publicapi.Setting) (func(context.Context) error, error) {
		if before.Role == "" {
			return nil, nil
		}
		return func(ctx context.Context) error { return s.c.Public.Disable(ctx, c.by.author()) }, nil
	})
}

func (s *Service) mayPublic(by auth.Principal) error {
	if err := s.may(by, ManageAPI); err != nil {
		return err
	}
	if s.c.Public == nil {
		return fmt.Errorf("%w: the public API is not managed here", ErrNotFound)
	}
	return nil
}

// changePublic runs a change of the setting, and records it if there was one. Whatever comes of it, the next request
// on this node meets what is stored: while the change was not committed, others may have read what was before.
func (s *Service) changePublic(ctx context.Context, by auth.Principal, match, action string,
	judge func(context.Context, *change, publicapi.Setting) (func(context.Context) error, error)) (after publicapi.Setting, err error) {
	if err := s.reloadRoles(ctx); err != nil {
		return after, err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.c.Timeout)
		defer cancel()
		_ = s.c.Public.Reload(ctx) // what it kept is dropped in any case
	}()
	err = s.change(ctx, by, func(ctx context.Context, c *change) (func(context.Context) error, error) {
		if err := c.needs(ManageAPI); err != nil {
			return nil, err
		}
		before, err := s.c.Public.Current(ctx)
		if err != nil {
			return nil, err
		}
		if match != "" && match != SettingRevision(before) {
			return nil, ErrChanged
		}
		apply, err := judge(ctx, c, before)
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context) error {
			if apply != nil {
				if err := apply(ctx); err != nil {
					return err
				}
			}
			if after, err = s.c.Public.Current(ctx); err != nil || after.Revision == before.Revision {
				return err
			}
			return c.record(ctx, action, "public", map[string]any{"role": before.Role}, map[string]any{"role": after.Role})
		}, nil
	})
	return after, err
}
