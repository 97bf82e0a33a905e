package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/latchkey-go/latchkey/auth/cockpit"
	"github.com/latchkey-go/latchkey/examples/cms/load"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

//go:embed sample.json
var sample []byte

// made is a key that this start created, with its label.
type made struct {
	keys.Issued
	about string
}

// fill loads the named file, or the sample if no file is named and the database is empty. It returns the keys that it
// made; a new database gets at least one, or no client could use it. Two nodes may call it at once, and it may be
// repeated: only one start makes keys.
func (n *node) fill(ctx context.Context, file string) ([]made, error) {
	empty, err := n.empty(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case file != "":
		err = n.loadFile(ctx, file)
	case empty:
		err = n.load(ctx, bytes.NewReader(sample))
	}
	if err != nil || !empty {
		return nil, err
	}
	_, first, err := n.db.Claim(ctx, "first start", time.Now().UTC().Format(time.RFC3339))
	if err != nil || !first {
		return nil, err
	}
	if file == "" {
		return n.issue(ctx, "editor", "ada")
	}
	there, err := n.lk.Keys.List(ctx, keys.Filter{Limit: 1})
	if err != nil || len(there) > 0 {
		return nil, err
	}
	return n.issue(ctx, roles.Admin, "")
}

// empty reports whether the database has no keys and no roles.
func (n *node) empty(ctx context.Context) (bool, error) {
	there, err := n.lk.Keys.List(ctx, keys.Filter{Limit: 1})
	policy := n.lk.Roles.Policy()
	if policy == nil {
		err = errors.Join(err, n.lk.Roles.Err())
	}
	return len(there) == 0 && len(policy.AppIDs()) == 0, err
}

func (n *node) loadFile(ctx context.Context, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	return n.load(ctx, f)
}

func (n *node) load(ctx context.Context, r io.Reader) error {
	f, err := load.Read(r)
	if err != nil {
		return err
	}
	permissions, err := catalog()
	if err != nil {
		return err
	}
	err = load.Into{
		Content: n.content, Say: n.log.Printf,
		Access: cockpit.Into{
			Keys: n.lk.Keys, Roles: n.store.Roles(), Public: n.store.PublicAPI(), Catalog: permissions, Users: load.Accounts(n.users),
			InTx: n.store.InTx, Audit: n.store.Audit(), By: "loaded from a file", AllowWeak: true,
		},
	}.Add(ctx, f)
	return errors.Join(err, n.lk.Roles.Reload(ctx), n.lk.Public.Reload(ctx))
}

// issue makes a custom key with the role, and a user key unless the user is "".
func (n *node) issue(ctx context.Context, role, userID string) ([]made, error) {
	custom, err := n.lk.Keys.IssueCustom(ctx, keys.Custom{Name: "First key", Role: role, CreatedBy: "first start"})
	if err != nil {
		return nil, err
	}
	issued := []made{{custom, fmt.Sprintf("custom key %s (role %s; shown once)", custom.Key.Reveal(), role)}}
	if userID == "" {
		return issued, nil
	}
	user, err := n.users.User(ctx, userID)
	if err != nil {
		return nil, err
	}
	personal, err := n.lk.Keys.IssueUser(ctx, userID, keys.User{Name: user.Name, CreatedBy: "first start"})
	if err != nil {
		return nil, err
	}
	return append(issued, made{personal, fmt.Sprintf("user key %s (%s, role %s; shown once)", personal.Key.Reveal(), user.Name, user.Role)}), nil
}
