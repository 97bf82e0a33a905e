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

// Why a change is refused. Any other error is a store in trouble, or [auth.ErrNoUser].
var (
	ErrForbidden = errors.New("users: not permitted")
	ErrTaken     = errors.New("users: somebody else has this user name")
	ErrLogin     = errors.New("users: a user name has 1 to 64 characters, none of them a space")
	ErrName      = errors.New("users: a name is one line of at most 256 bytes")
	ErrRole      = errors.New("users: there is no such role")
	ErrYourself  = errors.New("users: nobody changes their own role or deactivates themselves")
	ErrOwn       = errors.New("users: nobody changes their own password without the one they have")
)

// ValidLogin reports whether s can be what a user signs in with.
func ValidLogin(s string) bool {
	return s != "" && utf8.ValidString(s) && utf8.RuneCountInString(s) <= 64 &&
		!strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) })
}

// check says what is wrong with what people type in.
func (u User) check() error {
	switch {
	case !ValidLogin(u.Login):
		return ErrLogin
	case u.Name == "" || len(u.Name) > 256 || !utf8.ValidString(u.Name) || strings.ContainsFunc(u.Name, unicode.IsControl):
		return ErrName
	}
	return nil
}

// A Manager changes users on behalf of somebody who holds [admin.ManageUsers]. Nobody hands out more than they hold: who
// gives a role or a password must hold all that the role allows. Each change is one transaction with its audit record,
// and all nodes are told.
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

// Update changes name, role and whether the user is active. The login stays. Beyond the name it takes more than the
// permission: the user may not hold more than who asks, who could otherwise lock out all that could undo it.
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
		if before.Name != u.Name { // one that was loaded may be worse, and stays
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

// SetPassword gives somebody else another password, or the first. All their sessions end. One's own takes the one that
// one has, see [Manager.ChangeOwn]: a session that was left open is not enough to take an account over.
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

// A change is one at work: the roles and the rights of who asks as they are in its transaction.
type change struct {
	*Manager
	by     auth.Principal
	policy *roles.Policy
	rights roles.Rights
}

// change runs f in one transaction, for somebody who may manage users in it, and tells all nodes.
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
		asking, err := m.Table.User(ctx, by.UserID())
		switch {
		case errors.Is(err, auth.ErrNoUser):
			return ErrForbidden
		case err != nil:
			return err
		case !asking.Active || !by.InScope(admin.ManageUsers) || !policy.Allows(asking.Role, admin.ManageUsers):
			return ErrForbidden
		}
		rights := roles.Rights{Role: asking.Role, Scopes: by.Rights().Scopes}
		if err := f(ctx, change{m, by, policy, rights}); err != nil {
			return err
		}
		return m.Store.Touch(ctx)
	})
}

// gives reports whether a role is there, and may be handed out by who asks. No role may.
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

// plain is what the audit log keeps of a user.
func (u User) plain() map[string]any {
	return map[string]any{"login": u.Login, "name": u.Name, "role": u.Role, "active": u.Active}
}

func newID() string { return strings.ToLower(rand.Text()) }
