package access

import (
	"context"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/examples/cms/content"
)

// Save creates an item, or with an _id among the fields updates that one, published or not. It returns what
// content.Store's Create and Update do.
func (c *Content) Save(ctx context.Context, m content.Model, fields content.Item) (content.Item, error) {
	verb := content.Create
	if fields["_id"] != nil {
		verb = content.Update
	}
	if err := auth.Allowed(ctx, content.Permission(m.Name, verb)); err != nil {
		return nil, err
	}
	if _, sent := fields["_state"]; sent {
		publishes, err := may(ctx, content.Permission(m.Name, content.Publish))
		if err != nil {
			return nil, err
		}
		if !publishes {
			delete(fields, "_state")
		}
	}
	caller, _ := auth.PrincipalFrom(ctx)
	if verb == content.Create {
		return c.store.Create(ctx, m, fields, caller.UserID())
	}
	return c.store.Update(ctx, m, fields.ID(), fields, caller.UserID())
}

// Delete drops an item, published or not. It is no error if there is none.
func (c *Content) Delete(ctx context.Context, m content.Model, id string) error {
	if err := auth.Allowed(ctx, content.Permission(m.Name, content.Delete)); err != nil {
		return err
	}
	return c.store.Delete(ctx, m, id)
}
