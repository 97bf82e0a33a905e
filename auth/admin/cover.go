package admin

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// covers returns an error unless the caller has all access that these rights give.
func (c *change) covers(rights roles.Rights) error {
	return c.compare(fmt.Sprintf("covers %q", rights), func(policy *roles.Policy) error { return c.coversIn(policy, policy, rights) })
}

// coversIn is covers for the rights that a role gives in the policy next. policy says what the caller has.
func (c *change) coversIn(policy, next *roles.Policy, rights roles.Rights) error {
	missing, err := policy.Missing(c.by.rights, next, rights)
	switch {
	case err != nil:
		return costly(err)
	case len(missing) > 0:
		return forbidden("you can't grant more access than you have", missing...)
	}
	return nil
}

// coversRole returns an error unless the caller has all access that a role and those that inherit from it give, before
// and after a change. next is the policy after the change.
func (c *change) coversRole(next *roles.Policy, appid string) error {
	for _, policy := range []*roles.Policy{c.policy, next} {
		for _, heir := range heirs(policy, appid) {
			if err := c.coversIn(c.policy, policy, roles.Rights{Role: heir}); err != nil {
				return err
			}
		}
	}
	return nil
}

// heirs returns a role and all that inherit from it, in order.
func heirs(policy *roles.Policy, appid string) []string {
	return slices.DeleteFunc(policy.AppIDs(), func(heir string) bool {
		return !slices.Contains(policy.Lineage(heir), appid)
	})
}

// coversKey returns an error unless the caller has all access that a key with these settings gives.
func (c *change) coversKey(rec *keys.Record, role string) error {
	if err := c.covers(roles.Rights{Role: role, Scopes: rec.Scopes}); err != nil {
		return err
	}
	if !inside(rec.AllowedIPs, c.by.networks) {
		return forbidden("the key would be valid from more networks than yours")
	}
	return nil
}

// inside reports whether each network is part of one of bounds. Without bounds all are, and no networks are all.
func inside(networks, bounds []netip.Prefix) bool {
	if len(bounds) == 0 {
		return true
	}
	return len(networks) > 0 && !slices.ContainsFunc(networks, func(p netip.Prefix) bool {
		return !slices.ContainsFunc(bounds, func(b netip.Prefix) bool { return b.Bits() <= p.Bits() && b.Contains(p.Addr()) })
	})
}

// outlivedBy reports whether a key that expires at this time, zero being never, would outlive the caller's key.
func (a actor) outlivedBy(at time.Time) bool {
	return !a.ends.IsZero() && (at.IsZero() || at.After(a.ends))
}

// endsBy returns the expiry of a value that the caller makes and wants to expire at at. Zero becomes the expiry of the
// caller's key; a later time is refused.
func (a actor) endsBy(at time.Time) (time.Time, error) {
	switch {
	case !a.outlivedBy(at):
		return at, nil
	case at.IsZero():
		return a.ends, nil
	}
	return at, forbidden("a value that is made with a key ends no later than that key")
}
