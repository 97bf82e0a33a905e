package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/latchkey-go/latchkey/roles"
)

// Roles is the part of a [Store] that keeps roles. Its methods use the transaction that their context carries; see
// [Store.InTx]. A role that is deleted leaves the keys that carried it, in all spaces, without a role, and closes the
// public API if it was its role, in the same transaction.
type Roles struct{ s *Store }

// Roles returns the store of roles.
func (s *Store) Roles() *Roles { return &Roles{s} }

var _ roles.Store = (*Roles)(nil)

// Load implements [roles.Store].
func (r *Roles) Load(ctx context.Context) (rs []roles.Role, revision roles.Revision, err error) {
	var number, tag int64
	var appid, name, info, permissions, inherits *string
	into := []any{&number, &tag, &appid, &name, &info, &permissions, &inherits}
	err = r.s.each(ctx, &r.s.roles, nil, into, func() error {
		if appid == nil {
			return nil // no roles
		}
		role, err := decodeRole(appid, name, info, permissions, inherits)
		rs = append(rs, role)
		return err
	})
	if err == nil && number == 0 {
		err = errNoRevision
	}
	if err != nil {
		return nil, roles.Revision{}, storeError(ctx, "load roles", err)
	}
	return rs, roles.Revision{Number: uint64(number), Tag: uint64(tag)}, nil
}

// decodeRole returns the role that a row holds, or an error wrapping [errCorrupt].
func decodeRole(appid, name, info, permissions, inherits *string) (roles.Role, error) {
	if name == nil || info == nil || permissions == nil || inherits == nil {
		return roles.Role{}, fmt.Errorf("%w: role %.64q has a column without a value", errCorrupt, *appid)
	}
	role := roles.Role{AppID: *appid, Name: *name, Info: *info}
	if err := role.Permissions.UnmarshalJSON([]byte(*permissions)); err != nil {
		return roles.Role{}, fmt.Errorf("%w: role %.64q: permissions: %w", errCorrupt, *appid, err)
	}
	c := cells{rest: []any{*inherits}}
	role.Inherits = elements(&c, "inherits", func(s string) (string, error) { return s, nil })
	return role, corrupt("role", *appid, c.wrong)
}

// Revision implements [roles.Store]. It moves with changes of roles alone.
func (r *Roles) Revision(ctx context.Context) (roles.Revision, error) {
	return r.s.pair(ctx, &r.s.rolesRevision)
}

// Save implements [roles.Store].
func (r *Roles) Save(ctx context.Context, role roles.Role, revision roles.Revision) error {
	permissions, err := json.Marshal(role.Permissions)
	if err != nil {
		return err
	}
	inherits := list(role.Inherits, func(s string) string { return s })
	return r.change(ctx, revision, func(ctx context.Context) error {
		_, err := r.s.exec(ctx, &r.s.saveRole, role.AppID, role.Name, role.Info, string(permissions), inherits)
		return storeError(ctx, "save a role", err)
	})
}

// Delete implements [roles.Store].
func (r *Roles) Delete(ctx context.Context, appid string, revision roles.Revision) error {
	return r.change(ctx, revision, func(ctx context.Context) error {
		if unstorable(appid) {
			return roles.ErrNotFound
		}
		n, err := r.s.exec(ctx, &r.s.deleteRole, appid)
		if err == nil && n == 0 {
			return roles.ErrNotFound
		}
		return storeError(ctx, "delete a role", err)
	})
}

// change calls f in a transaction if the roles have this revision.
func (r *Roles) change(ctx context.Context, revision roles.Revision, f func(context.Context) error) error {
	return r.s.atomically(ctx, func(ctx context.Context) error {
		now, err := r.Revision(ctx)
		if err != nil {
			return err
		}
		if now != revision {
			return roles.ErrConflict
		}
		r.s.changed(ctx)
		return f(ctx)
	})
}
