package users

import (
	"context"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/audit"
)

// Record writes an audit record of a change, with the address of [From]. A log in the database uses the transaction
// in ctx: then the change and its record are stored together or not at all.
func Record(ctx context.Context, log audit.Log, by auth.Principal, action, object string, before, after map[string]any) error {
	from, _ := ctx.Value(peerKey{}).(string)
	record, err := audit.Stamp(audit.Record{
		Actor: "user:" + by.UserID(), ActorName: by.Name(), Action: action, Object: object, From: from, Before: before, After: after,
	})
	if err != nil {
		return err
	}
	return log.Append(ctx, record)
}

// peerKey is the context key of the client's address.
type peerKey struct{}

// From returns a context with the client's address, for the audit log.
func From(ctx context.Context, address string) context.Context {
	return context.WithValue(ctx, peerKey{}, address)
}
