package access

import (
	"context"
	"errors"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/examples/cms/content"
)

// Save creates an item, or updates the one whose _id is among the fields, published or not. It returns the results of
// content.Store's Create and Update. Without the permission to publish, a _state that would make the item more public
// than asked for is refused.
func (c *Content) Save(ctx context.Context, m content.Model, fields content.Item) (content.Item, error) {
	verb := content.Create
	if fields["_id"] != nil {
		verb = content.Update
	}
	if err := auth.Allowed(ctx, content.Permission(m.Name, verb)); err != nil {
		return nil, err
	}
	caller, _ := auth.PrincipalFrom(ctx)
	by := content.Writer{UserID: caller.UserID()}
	var err error
	if by.MayRead, err = may(ctx, content.Permission(m.Name, content.Read)); err != nil {
		return nil, err
	}
	var publish error
	if _, sent := fields["_state"]; sent {
		if publish = auth.Allowed(ctx, content.Permission(m.Name, content.Publish)); publish != nil && !denied(publish) {
			return nil, publish
		}
		by.MayPublish = publish == nil
	}
	var saved content.Item
	if verb == content.Create {
		saved, err = c.store.Create(ctx, m, fields, by)
	} else {
		saved, err = c.store.Update(ctx, m, fields.ID(), fields, by)
	}
	if errors.Is(err, content.ErrPublished) {
		return nil, publish
	}
	return saved, err
}

// Delete deletes an item, published or not. It returns nil if there is none.
func (c *Content) Delete(ctx context.Context, m content.Model, id string) error {
	if err := auth.Allowed(ctx, content.Permission(m.Name, content.Delete)); err != nil {
		return err
	}
	return c.store.Delete(ctx, m, id)
}
