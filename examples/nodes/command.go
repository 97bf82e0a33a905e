package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// commands are the commands that can be typed. Each answers "ok" and its results after the change is committed, or
// "error" and the reason.
var commands = map[string]func(n *node, ctx context.Context, arg string) (string, error){
	"issue":      (*node).issue,      // ROLE: a custom key; answers its ID and the key
	"issue-user": (*node).issueUser,  // USER: a user key; answers its ID and the key
	"refresh":    (*node).refresh,    // ID: answers the new key
	"invalidate": (*node).invalidate, // ID
	"open":       (*node).openRole,   // ROLE: lets the role read posts; creates it if it is missing
	"shut":       (*node).shutRole,   // ROLE: removes that permission
	"activate":   (*node).activate,   // USER: makes the user active, with the role reader; creates the user if missing
	"deactivate": (*node).deactivate, // USER
	"publish":    (*node).publish,    // ROLE: gives it to callers without a key
	"unpublish":  (*node).unpublish,  // closes the public API
	"listen":     (*node).listen,     // starts the listener of PostgreSQL's notifications again
	"cut":        (*node).cut,        // stops the listener
}

// do runs the command in line.
func (n *node) command(ctx context.Context, line string) string {
	name, arg, _ := strings.Cut(strings.TrimSpace(line), " ")
	do, ok := commands[name]
	if !ok {
		return "error no such command"
	}
	result, err := do(n, ctx, arg)
	if err != nil {
		return fmt.Sprintf("error %q", err)
	}
	return strings.TrimSpace("ok " + result)
}

func (n *node) issue(ctx context.Context, role string) (string, error) {
	issued, err := n.ring.IssueCustom(ctx, keys.Custom{Name: "by hand", Role: role})
	return issued.Record.ID + " " + issued.Key.Reveal(), err
}

func (n *node) issueUser(ctx context.Context, id string) (string, error) {
	issued, err := n.ring.IssueUser(ctx, id, keys.User{})
	return issued.Record.ID + " " + issued.Key.Reveal(), err
}

func (n *node) refresh(ctx context.Context, id string) (string, error) {
	issued, err := n.ring.Refresh(ctx, id, keys.Renewal{})
	return issued.Key.Reveal(), err
}

func (n *node) invalidate(ctx context.Context, id string) (string, error) {
	return "", n.ring.Invalidate(ctx, id)
}

func (n *node) openRole(ctx context.Context, appid string) (string, error) {
	return "", n.roles.Save(ctx, roles.Role{AppID: appid, Permissions: roles.Grants{"content/posts/read": true}})
}

func (n *node) shutRole(ctx context.Context, appid string) (string, error) {
	return "", n.roles.Save(ctx, roles.Role{AppID: appid})
}

func (n *node) activate(ctx context.Context, id string) (string, error) {
	return "", n.table.save(ctx, auth.User{ID: id, Role: "reader", Active: true})
}

func (n *node) deactivate(ctx context.Context, id string) (string, error) {
	return "", n.table.save(ctx, auth.User{ID: id, Role: "reader"})
}

func (n *node) publish(ctx context.Context, appid string) (string, error) {
	preview, err := n.public.Preview(ctx, appid)
	if err != nil {
		return "", err
	}
	return "", n.public.Set(ctx, publicapi.Opening{Role: appid, By: "by hand", Token: preview.Token, Acknowledged: []string{"content/posts/read"}})
}

func (n *node) unpublish(ctx context.Context, _ string) (string, error) {
	return "", n.public.Disable(ctx, "by hand")
}

func (n *node) listen(context.Context, string) (string, error) {
	if n.listener == nil {
		return "", errors.New("this node was started without a listener")
	}
	return "", n.listener.restore()
}

func (n *node) cut(context.Context, string) (string, error) {
	if n.listener == nil {
		return "", errors.New("this node was started without a listener")
	}
	n.listener.cut()
	return "", nil
}
