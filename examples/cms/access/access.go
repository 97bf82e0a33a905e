// Package access reads and writes content as the caller in a context may. Both the addresses of package api and
// GraphQL fields use it, so all of them ask for the same permissions:
//
//	content/{model}/read     to read, and to be shown what items elsewhere link to
//	content/{model}/create   to save without an _id
//	content/{model}/update   to save with one
//	content/{model}/delete   to delete
//	content/{model}/publish  to change the _state of an item
//
// Creating an item needs no permission for its _state: its creator may publish it, which is the default, or keep it
// as a draft. An update without the permission to publish leaves the item's _state unchanged. If the stored item is
// more public than the update asks for, the update is refused.
//
// No verb implies another. Permissions are checked against the current policy. An error that is a *auth.Refusal says
// that the caller is not allowed, or that a store failed.
package access

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/examples/cms/content"
)

// Content is the content of a store. It may be used concurrently.
type Content struct{ store *content.Store }

// New returns the content of store.
func New(store *content.Store) *Content { return &Content{store} }

// Model returns a model, or an error wrapping content.ErrNotFound. It needs no permission, since models are not
// content.
func (c *Content) Model(ctx context.Context, name string) (content.Model, error) {
	return c.store.Model(ctx, name)
}

// Version returns the version of all models; see content.Store.Version.
func (c *Content) Version(ctx context.Context, known content.Version) (content.Version, []content.Model, error) {
	return c.store.Version(ctx, known)
}

// Ping checks that the database answers.
func (c *Content) Ping(ctx context.Context) error { return c.store.Ping(ctx) }

// Items returns the published items that q selects; see content.Store.Items.
func (c *Content) Items(ctx context.Context, m content.Model, q content.Query) (items []content.Item, total int, err error) {
	if err := auth.Allowed(ctx, content.Permission(m.Name, content.Read)); err != nil {
		return nil, 0, err
	}
	if err := c.link(ctx, m, q); err != nil {
		return nil, 0, err
	}
	if items, total, err = c.store.Items(ctx, m, q); err == nil {
		err = c.populate(ctx, items, q)
	}
	return items, total, err
}

// mostLinked is how many linked items a condition on them finds, as in Cockpit.
const mostLinked = 500

// link finds the linked items of the conditions on them. Those of a model that the caller may not read match nothing.
func (c *Content) link(ctx context.Context, m content.Model, q content.Query) error {
	for _, l := range q.Links() {
		linked, err := c.store.Model(ctx, m.Linked(l.Field))
		ok, most, where, items := false, mostLinked, content.Query{}, []content.Item(nil)
		if err == nil {
			ok, err = may(ctx, content.Permission(linked.Name, content.Read))
		}
		if errors.Is(err, content.ErrNotFound) || err == nil && !ok {
			continue
		}
		if err == nil {
			where, err = content.Options{Filter: l.Where, Fields: []byte(`{"_id":1}`), Limit: &most}.Query()
		}
		if err == nil {
			items, _, err = c.store.Items(ctx, linked, where)
		}
		if err != nil {
			return err
		}
		l.IDs = map[string]bool{}
		for _, item := range items {
			l.IDs[item.ID()] = true
		}
	}
	return nil
}

// First returns the first published item that q selects, or an error wrapping content.ErrNotFound.
func (c *Content) First(ctx context.Context, m content.Model, q content.Query) (content.Item, error) {
	items, _, err := c.Items(ctx, m, q.First())
	if err != nil || len(items) == 0 {
		return nil, cmp.Or(err, fmt.Errorf("%w: no item of %q", content.ErrNotFound, m.Name))
	}
	return items[0], nil
}

// Item returns a published item, or an error wrapping content.ErrNotFound.
func (c *Content) Item(ctx context.Context, m content.Model, id string, q content.Query) (content.Item, error) {
	if err := auth.Allowed(ctx, content.Permission(m.Name, content.Read)); err != nil {
		return nil, err
	}
	item, err := c.store.Item(ctx, m, id, q)
	if err == nil {
		err = c.populate(ctx, []content.Item{item}, q.First())
	}
	return item, err
}

// Tree returns the published items under parent; see content.Store.Tree.
func (c *Content) Tree(ctx context.Context, m content.Model, parent string, q content.Query) ([]content.Item, error) {
	if err := auth.Allowed(ctx, content.Permission(m.Name, content.Read)); err != nil {
		return nil, err
	}
	items, err := c.store.Tree(ctx, m, parent, q)
	if err == nil {
		err = c.populate(ctx, items, q)
	}
	return items, err
}

// Aggregate runs a pipeline over the published items. From q it uses only the locale and the number of levels of
// links to follow.
func (c *Content) Aggregate(ctx context.Context, m content.Model, p content.Pipeline, q content.Query) ([]content.Item, error) {
	if err := auth.Allowed(ctx, content.Permission(m.Name, content.Read)); err != nil {
		return nil, err
	}
	items, err := c.store.Aggregate(ctx, m, p)
	if err == nil {
		err = c.populate(ctx, items, q)
	}
	return items, err
}

func (c *Content) populate(ctx context.Context, items []content.Item, q content.Query) error {
	return c.store.Populate(ctx, items, q, func(ctx context.Context, model string) (bool, error) {
		return may(ctx, content.Permission(model, content.Read))
	})
}

// may reports whether the caller is allowed. Its error means that the answer is not known now.
func may(ctx context.Context, permission string) (bool, error) {
	err := auth.Allowed(ctx, permission)
	if denied(err) {
		return false, nil
	}
	return err == nil, err
}

// denied reports whether err says that the caller is not allowed, rather than that a store failed.
func denied(err error) bool {
	refusal, ok := errors.AsType[*auth.Refusal](err)
	return ok && refusal.Status < http.StatusInternalServerError
}
