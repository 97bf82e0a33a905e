package admin

import (
	"context"
	"errors"
	"time"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
)

// CreateKey makes a custom key; CreatedBy is the caller. It needs [ManageAPI] and cover for the key's role and
// scopes. The role must exist, or be "": such a key may do nothing.
func (s *Service) CreateKey(ctx context.Context, by auth.Principal, k keys.Custom) (keys.Issued, error) {
	if err := s.may(by, ManageAPI); err != nil {
		return keys.Issued{}, err
	}
	return s.create(ctx, by, keys.KindCustom, "", k, s.cfg.Keys.IssueCustom)
}

// CreateUserKey makes a user's key; CreatedBy is the caller. One's own needs no permission, others' need
// [ManageUsers] and cover for the user's role, since the caller gets to know the key. It returns [ErrConflict]
// if the user has one already.
func (s *Service) CreateUserKey(ctx context.Context, by auth.Principal, userID string, k keys.User) (keys.Issued, error) {
	if err := s.mayFor(by, userID); err != nil {
		return keys.Issued{}, err
	}
	common := keys.Custom{Name: k.Name, Scopes: k.Scopes, AllowedIPs: k.AllowedIPs, ExpiresAt: k.ExpiresAt}
	issue := func(ctx context.Context, k keys.Custom) (keys.Issued, error) {
		return s.cfg.Keys.IssueUser(ctx, userID, keys.User{
			Name: k.Name, Scopes: k.Scopes, AllowedIPs: k.AllowedIPs, ExpiresAt: k.ExpiresAt, CreatedBy: k.CreatedBy,
		})
	}
	return s.create(ctx, by, keys.KindUser, userID, common, issue)
}

// create makes a key of either kind.
func (s *Service) create(ctx context.Context, by auth.Principal, kind keys.Kind, userID string, k keys.Custom,
	issue func(context.Context, keys.Custom) (keys.Issued, error)) (issued keys.Issued, err error) {
	if err := s.checkKey(k.Name, k.Scopes, k.AllowedIPs); err != nil {
		return keys.Issued{}, err
	}
	err = s.change(ctx, by, func(ctx context.Context, c *change) (step, error) {
		k := k
		carried, err := c.mayIssue(ctx, &keys.Record{Kind: kind, UserID: userID, Role: k.Role})
		if err != nil {
			return nil, err
		}
		if err := c.checkRole(k.Role); err != nil {
			return nil, err
		}
		if len(k.AllowedIPs) == 0 {
			k.AllowedIPs = c.by.networks
		}
		if err := c.coversKey(&keys.Record{Scopes: k.Scopes, AllowedIPs: k.AllowedIPs}, carried); err != nil {
			return nil, err
		}
		if k.ExpiresAt, err = c.by.endsBy(k.ExpiresAt); err != nil {
			return nil, err
		}
		k.CreatedBy = c.by.author()
		return func(ctx context.Context) error {
			if issued, err = issue(ctx, k); err != nil {
				return refusedInput(err, "expires_at")
			}
			return c.record(ctx, action(&issued.Record, "create"), issued.Record.ID, nil, describeKey(&issued.Record))
		}, nil
	})
	return ifDurable(issued, err)
}

// RefreshKey replaces the value of a key and keeps its record. It needs what managing the key needs, none for
// one's own, and cover for all that the key may do. match is the key's revision as the caller knows it, see
// [Revision], or "". Of several calls at once, exactly one wins; the others get [ErrConflict].
func (s *Service) RefreshKey(ctx context.Context, by auth.Principal, id string, match Tag, rn keys.Renewal) (issued keys.Issued, err error) {
	seen, err := s.Key(ctx, by, id)
	if err != nil {
		return keys.Issued{}, err
	}
	err = s.change(ctx, by, func(ctx context.Context, c *change) (step, error) {
		before, err := c.key(ctx, id, match)
		if err != nil {
			return nil, err
		}
		role, err := c.mayIssue(ctx, &before)
		if err != nil {
			return nil, err
		}
		if !before.RefreshedAt.Equal(seen.RefreshedAt) || before.Hint != seen.Hint { // another refresh came first
			return nil, keys.ErrConflict
		}
		if err := c.coversKey(&before, role); err != nil {
			return nil, err
		}
		rn := rn
		if !rn.ExpiresAt.IsZero() || c.by.outlivedBy(before.ExpiresAt) {
			if rn.ExpiresAt, err = c.by.endsBy(rn.ExpiresAt); err != nil {
				return nil, err
			}
		}
		return func(ctx context.Context) error {
			if issued, err = s.cfg.Keys.Refresh(ctx, id, rn); err != nil {
				field := "overlap"
				if !rn.ExpiresAt.IsZero() && rn.Overlap == 0 && rn.OverlapCap == 0 {
					field = "expires_at"
				}
				return refusedInput(err, field)
			}
			return c.record(ctx, action(&before, "refresh"), id, describeKey(&before), describeKey(&issued.Record))
		}, nil
	})
	return ifDurable(issued, err)
}

// mayIssue reports whether the caller may get a value of the key, and returns the role that it carries.
func (c *change) mayIssue(ctx context.Context, rec *keys.Record) (role string, err error) {
	switch {
	case rec.Kind == keys.KindUser:
		return c.ownerRole(ctx, rec.UserID)
	case owns(c.by.Principal, rec):
		return rec.Role, nil
	}
	return rec.Role, c.needs(ManageAPI)
}

// ownerRole returns the role of a user for whom the caller may make a key: themselves or, with [ManageUsers], any user.
func (c *change) ownerRole(ctx context.Context, userID string) (string, error) {
	if userID != "" && c.by.UserID() == userID {
		return c.by.rights.Role, nil
	}
	if err := c.needs(ManageUsers); err != nil {
		return "", err
	}
	user, err := c.user(ctx, userID)
	return user.Role, err
}

// ifDurable drops the key if the change failed: a value is returned only once it is durable.
func ifDurable(issued keys.Issued, err error) (keys.Issued, error) {
	if err != nil {
		return keys.Issued{}, err
	}
	return issued, nil
}

// refusedInput turns a ring's refusal into an [Error] about this field.
func refusedInput(err error, field string) error {
	if errors.Is(err, keys.ErrRefused) {
		return badInput(field, "is not possible: "+err.Error())
	}
	return err
}

// action returns the audit log's name of a change of a key.
func action(rec *keys.Record, what string) string {
	if rec.Kind == keys.KindUser {
		return "userkey." + what
	}
	return "key." + what
}

// describeKey returns a key as the audit log records it: never with its digest.
func describeKey(rec *keys.Record) map[string]any {
	about := map[string]any{"kind": string(rec.Kind), "hint": rec.Hint, "state": string(rec.State(time.Now()))}
	for name, text := range map[string]string{"name": rec.Name, "user": rec.UserID, "role": rec.Role} {
		if text != "" {
			about[name] = text
		}
	}
	if len(rec.Scopes) > 0 {
		about["scopes"] = rec.Scopes
	}
	if len(rec.AllowedIPs) > 0 {
		about["allowed_ips"] = rec.AllowedIPs
	}
	for name, at := range map[string]time.Time{"expires_at": rec.ExpiresAt, "old_value_until": rec.PreviousUntil} {
		if !at.IsZero() {
			about[name] = at
		}
	}
	return about
}
