package users

import (
	"context"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/audit"
)

// Record writes into log what somebody has changed, from the address of [From]. A log in the database takes the
// transaction that ctx carries: then there is no change without its record, and no record of what was not done.
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

// peerKey finds the address that a change is asked from.
type peerKey struct{}

// From returns a context with the address that a change is asked from, for the audit log.
func From(ctx context.Context, address string) context.Context {
	return context.WithValue(ctx, peerKey{}, address)
}
