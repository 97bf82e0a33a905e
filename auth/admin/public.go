package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// Public returns the setting of the public API, and what callers without a key can do now. It needs [ManageAPI]. It
// returns [ErrNotFound] if the public API is not managed here.
func (s *Service) Public(ctx context.Context, by auth.Principal) (publicapi.Setting, publicapi.Report, error) {
	setting, err := read(ctx, s, s.mayPublic(by), s.cfg.Public.Current)
	if err != nil {
		return publicapi.Setting{}, publicapi.Report{}, err
	}
	if policy := s.cfg.Roles.Policy(); policy != nil && !policy.Has(setting.Role) {
		setting.Role = "" // the role was just deleted
	}
	report, err := s.PreviewPublic(ctx, by, setting.Role)
	if err != nil {
		return publicapi.Setting{}, publicapi.Report{}, err
	}
	report.Token = "" // there is nothing to confirm
	return setting, report, nil
}

// PreviewPublic reports what callers without a key could do if this were the public role; "" is closed. Its Token is
// what [Service.OpenPublic] needs. It needs [ManageAPI].
func (s *Service) PreviewPublic(ctx context.Context, by auth.Principal, appid string) (publicapi.Report, error) {
	policy, err := s.policyFor(s.mayPublic(by))
	if err == nil && appid != "" {
		err = possible(policy, appid)
	}
	report, err := read(ctx, s, err, func(ctx context.Context) (publicapi.Report, error) { return s.cfg.Public.Preview(ctx, appid) })
	if err != nil {
		return publicapi.Report{}, err
	}
	report.Routes = s.opened(policy, nil, appid)
	return report, nil
}

// opened returns the routes that a role reaches by policy and not by before.
func (s *Service) opened(policy, before *roles.Policy, appid string) []auth.Route {
	role := roles.Rights{Role: appid}
	return slices.DeleteFunc(slices.Clone(s.cfg.Routes()), func(route auth.Route) bool {
		return !route.ReachedBy(policy, role) || before != nil && route.ReachedBy(before, role)
	})
}

// possible reports whether a role can be the public one.
func possible(policy *roles.Policy, appid string) error {
	switch {
	case strings.EqualFold(appid, roles.Admin):
		return badInput("role", "can never be public: it is the super role")
	case !policy.Has(appid):
		return badInput("role", "is not the appid of a role")
	}
	return nil
}

// A Confirmation names the state that the caller decided about. The zero Confirmation confirms nothing.
type Confirmation struct {
	Match        Tag      // the [Revision] of what is changed; "" is any
	Token        string   // of the preview of what the change opens to callers without a key, or the Confirm of a [Usage]
	Acknowledged []string // the Writes of that preview, in any order
}

// OpenPublic gives the role to callers without a key. It needs [ManageAPI] and cover for the role. The change must be
// confirmed against its current preview, see [Service.PreviewPublic]; otherwise the error is a
// *[publicapi.UnconfirmedError] with a new one. If the role is public already, nothing is changed.
func (s *Service) OpenPublic(ctx context.Context, by auth.Principal, appid string, seen Confirmation) (publicapi.Setting, error) {
	var prepared *publicapi.Prepared
	return s.changePublic(ctx, by, seen.Match, "public.set", func(ctx context.Context, c *change, before publicapi.Setting) (step, error) {
		if err := possible(c.policy, appid); err != nil {
			return nil, err
		}
		if err := c.covers(roles.Rights{Role: appid}); err != nil {
			return nil, err
		}
		if before.Role == appid {
			return nil, nil
		}
		err := c.ahead(fmt.Sprintf("open %q after %s", appid, Revision(before)), func() (err error) {
			prepared, err = c.prepareOpening(ctx, publicapi.Opening{Role: appid, By: c.by.author(), Token: seen.Token, Acknowledged: seen.Acknowledged})
			return err
		})
		if err != nil {
			return nil, err
		}
		return prepared.Save, nil
	})
}

// prepareOpening checks the confirmation of an opening. It is called before the transaction: saving its result fails if
// the setting has changed since.
func (c *change) prepareOpening(ctx context.Context, o publicapi.Opening) (*publicapi.Prepared, error) {
	b := c.previewBudget()
	policy := c.policy.Within(ctx, b)
	prepared, err := c.cfg.Public.Prepare(ctx, policy, o)
	if err := ended(b); err != nil {
		return nil, err
	}
	if unconfirmed, ok := errors.AsType[*publicapi.UnconfirmedError](err); ok {
		unconfirmed.Preview.Routes = c.opened(policy, nil, o.Role)
	}
	return prepared, err
}

// confirmEdit checks the confirmation of an edit of roles: everything that next allows the public role and c.policy does
// not. It is called before the transaction, which must verify that the roles and the setting are the same.
func (c *change) confirmEdit(ctx context.Context, next *roles.Policy, seen Confirmation) error {
	if c.cfg.Public == nil {
		return nil
	}
	b := c.previewBudget()
	before, next := c.policy.Within(ctx, b), next.Within(ctx, b)
	preview, setting, err := c.cfg.Public.PreviewEdit(ctx, before, next)
	if err := ended(b); err != nil {
		return err
	}
	if err != nil || len(preview.Permissions) == 0 {
		return err
	}
	preview.Routes = c.opened(next, before, setting.Role)
	return preview.Confirm(seen.Token, seen.Acknowledged)
}

// ClosePublic closes the public API: callers without a key get 401. It needs [ManageAPI]. A second call changes
// nothing. match is the [Revision] that the caller knows, or "".
func (s *Service) ClosePublic(ctx context.Context, by auth.Principal, match Tag) (publicapi.Setting, error) {
	return s.changePublic(ctx, by, match, "public.close", func(ctx context.Context, c *change, before publicapi.Setting) (step, error) {
		if before.Role == "" {
			return nil, nil
		}
		return func(ctx context.Context) error { return s.cfg.Public.Disable(ctx, c.by.author()) }, nil
	})
}

func (s *Service) mayPublic(by auth.Principal) error {
	if err := s.may(by, ManageAPI); err != nil {
		return err
	}
	if s.cfg.Public == nil {
		return fmt.Errorf("%w: the public API is not managed here", ErrNotFound)
	}
	return nil
}

// changePublic runs a change of the setting, and records it if there was one. Also after an error, the next request
// on this node reads the stored setting: before the commit other requests may have cached the old one.
func (s *Service) changePublic(ctx context.Context, by auth.Principal, match Tag, action string,
	judge func(context.Context, *change, publicapi.Setting) (step, error)) (after publicapi.Setting, err error) {
	if err := s.mayPublic(by); err != nil {
		return after, err
	}
	if err := s.reloadRoles(ctx); err != nil {
		return after, err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Timeout)
		defer cancel()
		_ = s.cfg.Public.Reload(ctx) // it drops the cached setting even if it fails
	}()
	err = s.change(ctx, by, func(ctx context.Context, c *change) (step, error) {
		if err := c.needs(ManageAPI); err != nil {
			return nil, err
		}
		before, err := s.cfg.Public.Current(ctx)
		if err != nil {
			return nil, err
		}
		if match != "" && match != Revision(before) {
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
			if after, err = s.cfg.Public.Current(ctx); err != nil || after.Revision == before.Revision {
				return err
			}
			return c.record(ctx, action, "public", map[string]any{"role": before.Role}, map[string]any{"role": after.Role})
		}, nil
	})
	return after, err
}
