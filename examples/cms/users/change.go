package users

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/roles"
)

// The errors of a refused change. Any other error is a store failure, or [auth.ErrNoUser].
var (
	ErrForbidden = errors.New("users: not permitted")
	ErrTaken     = errors.New("users: another user has this user name")
	ErrLogin     = errors.New("users: a user name has 1 to 64 characters, none of them a space")
	ErrName      = errors.New("users: a name is one line of at most 256 bytes")
	ErrRole      = errors.New("users: there is no such role")
	ErrYourself  = errors.New("users: a user cannot change their own role or deactivate themselves")
	ErrOwn       = errors.New("users: a user needs the old password to change their own")
)

// ValidLogin reports whether s can be a login.
func ValidLogin(s string) bool {
	return s != "" && utf8.ValidString(s) && utf8.RuneCountInString(s) <= 64 &&
		!strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) })
}

// check returns the problem of typed values.
func (u User) check() error {
	switch {
	case !ValidLogin(u.Login):
		return ErrLogin
	case u.Name == "" || len(u.Name) > 256 || !utf8.ValidString(u.Name) || strings.ContainsFunc(u.Name, unicode.IsControl):
		return ErrName
	}
	return nil
}

// A Manager changes users for a caller who holds [admin.ManageUsers]. You can't grant more access than you have: to
// give a user a role or a password, you must hold all permissions of that user's role. Each change is one transaction
// with its audit record, and all nodes are notified.
type Manager struct {
	Table *Table
	Store *sqlstore.Store
	Audit audit.Log
}

// Create adds a user with this password and returns it with its new ID.
func (m *Manager) Create(ctx context.Context, by auth.Principal, u User, password string) (User, error) {
	if err := u.check(); err != nil {
		return User{}, err
	}
	stored, err := digest(ctx, password)
	if err != nil {
		return User{}, err
	}
	u.ID = newID()
	return u, m.change(ctx, by, func(ctx context.Context, c change) error {
		if err := c.gives(u.Role); err != nil {
			return err
		}
		if err := m.Table.insert(ctx, u, stored); err != nil {
			return err
		}
		return c.record(ctx, "user.create", u.ID, nil, u.plain())
	})
}

// Update changes name, role and whether the user is active. The login does not change. Role and active need more than
// the permission: the user may not hold more than the caller, who could otherwise lock out those who can undo it.
func (m *Manager) Update(ctx context.Context, by auth.Principal, u User) error {
	return m.change(ctx, by, func(ctx context.Context, c change) error {
		before, err := m.Table.Account(ctx, u.ID)
		if err != nil {
			return err
		}
		u.Login = before.Login
		if before.User == u {
			return nil
		}
		if before.Name != u.Name { // a loaded name may break the rules and stay
			if err := u.check(); err != nil {
				return err
			}
		}
		if u.ID == by.UserID() && (u.Role != before.Role || !u.Active) {
			return ErrYourself
		}
		if u.Role != before.Role || u.Active != before.Active {
			if err := c.covers(before.Role); err != nil {
				return err
			}
		}
		if u.Role != before.Role || u.Active && !before.Active {
			if err := c.gives(u.Role); err != nil {
				return err
			}
		}
		_, err = m.Table.exec(ctx, `UPDATE cms_users SET name = $1, role = $2, active = $3 WHERE id = $4`,
			u.Name, u.Role, number(u.Active), u.ID)
		if err == nil && !u.Active {
			err = m.Table.endSessions(ctx, u.ID)
		}
		if err != nil {
			return err
		}
		return c.record(ctx, "user.update", u.ID, before.plain(), u.plain())
	})
}

// SetPassword sets another user's password and ends all sessions of that user. For your own password use
// [Manager.ChangeOwn], which asks for the old one: an open session is not enough to take over an account.
func (m *Manager) SetPassword(ctx context.Context, by auth.Principal, id, password string) error {
	if id == by.UserID() {
		return ErrOwn
	}
	stored, err := digest(ctx, password)
	if err != nil {
		return err
	}
	return m.change(ctx, by, func(ctx context.Context, c change) error {
		u, err := m.Table.Account(ctx, id)
		if err != nil {
			return err
		}
		if err := c.covers(u.Role); err != nil {
			return err
		}
		if err := m.Table.setPassword(ctx, u.User, stored); err != nil {
			return err
		}
		return c.record(ctx, "user.password", id, nil, nil)
	})
}

// A change holds the roles and the caller's rights as they are in its transaction.
type change struct {
	*Manager
	by     auth.Principal
	policy *roles.Policy
	rights roles.Rights
}

// change runs f in one transaction, if the caller may manage users in it, and notifies all nodes.
func (m *Manager) change(ctx context.Context, by auth.Principal, f func(context.Context, change) error) error {
	return m.Store.InTx(ctx, func(ctx context.Context) error {
		stored, _, err := m.Store.Roles().Load(ctx)
		if err != nil {
			return err
		}
		policy, err := roles.Compile(stored...)
		if err != nil {
			return err
		}
		user, err := m.Table.User(ctx, by.UserID())
		switch {
		case errors.Is(err, auth.ErrNoUser):
			return ErrForbidden
		case err != nil:
			return err
		case !user.Active || !by.InScope(admin.ManageUsers) || !policy.Allows(user.Role, admin.ManageUsers):
			return ErrForbidden
		}
		rights := roles.Rights{Role: user.Role, Scopes: by.Rights().Scopes}
		if err := f(ctx, change{m, by, policy, rights}); err != nil {
			return err
		}
		return m.Store.Touch(ctx)
	})
}

// gives returns an error unless the role exists and the caller may grant it. "" is always allowed.
func (c change) gives(appid string) error {
	if appid == "" {
		return nil
	}
	if !c.policy.Has(appid) {
		return ErrRole
	}
	return c.covers(appid)
}

func (c change) covers(appid string) error {
	if !c.policy.Covers(c.rights, roles.Rights{Role: appid}) {
		return fmt.Errorf("%w: the role %q allows more than yours", ErrForbidden, appid)
	}
	return nil
}

func (c change) record(ctx context.Context, action, id string, before, after map[string]any) error {
	return Record(ctx, c.Audit, c.by, action, id, before, after)
}

// plain returns the fields of a user for the audit log.
func (u User) plain() map[string]any {
	return map[string]any{"login": u.Login, "name": u.Name, "role": u.Role, "active": u.Active}
}

func newID() string { return strings.ToLower(rand.Text()) }
