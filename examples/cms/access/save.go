package access

import (
	"context"
	"errors"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/examples/cms/content"
)

// Save creates an item, or with an _id among the fields updates that one, published or not. It returns what
// content.Store's Create and Update do. Without the right to publish, a _state is refused where the item would be more
// public than asked for.
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
	var publish error
	if _, sent := fields["_state"]; sent {
		if publish = auth.Allowed(ctx, content.Permission(m.Name, content.Publish)); publish != nil && !denied(publish) {
			return nil, publish
		}
		by.MayPublish = publish == nil
	}
	var saved content.Item
	var err error
	if verb == content.Create {
		saved, err = c.store.Create(ctx, m, fields, by)
	} else {
		if c.likeCockpit && !by.MayPublish {
			delete(fields, "_state")
		}
		saved, err = c.store.Update(ctx, m, fields.ID(), fields, by)
	}
	if errors.Is(err, content.ErrPublished) {
		return nil, publish
	}
	return saved, err
}

// Delete drops an item, published or not. It is no error if there is none.
func (c *Content) Delete(ctx context.Context, m content.Model, id string) error {
	if err := auth.Allowed(ctx, content.Permission(m.Name, content.Delete)); err != nil {
		return err
	}
	return c.store.Delete(ctx, m, id)
}
