package admin

import (
	"net/netip"
	"slices"
	"time"

	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// covers reports whether the caller holds what they are about to hand out.
func (c *change) covers(rights roles.Rights) error {
	return covered(c.policy, c.by.rights, rights)
}

func covered(policy *roles.Policy, held, rights roles.Rights) error {
	return coveredIn(policy, policy, held, rights)
}

// coveredIn is covered for rights by another policy than the one that says what is held.
func coveredIn(policy, next *roles.Policy, held, rights roles.Rights) error {
	missing, err := policy.Missing(held, next, rights)
	if err == nil && len(missing) > 0 {
		err = &ForbiddenError{missing, "nobody hands out more than they hold"}
	}
	return err
}

// coversRole reports whether the caller may save a role that makes next out of the policy. It is judged by what
// the caller holds before: nobody raises themselves. What no role gains by it needs no cover.
func (c *change) coversRole(next *roles.Policy, appid string) error {
	for _, heir := range heirs(next, appid) {
		rights := roles.Rights{Role: heir}
		gained, err := c.policy.Missing(rights, next, rights)
		if err != nil {
			return err
		}
		if c.policy.Has(heir) && len(gained) == 0 {
			continue
		}
		if err := coveredIn(c.policy, next, c.by.rights, rights); err != nil {
			return err
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

// coversKey reports whether the caller may hand out, or give back to its holder, the key that rec describes.
func (c *change) coversKey(rec *keys.Record, role string) error {
	if err := c.covers(roles.Rights{Role: role, Scopes: rec.Scopes}); err != nil {
		return err
	}
	if !inside(rec.AllowedIPs, c.by.networks) {
		return &ForbiddenError{Text: "the key would be good from more networks than the one that asks"}
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

// outlivedBy reports whether what ends at this time, zero being never, is good for longer than the caller's key.
func (a actor) outlivedBy(at time.Time) bool {
	return !a.ends.IsZero() && (at.IsZero() || at.After(a.ends))
}

// endsBy returns when a value that the caller makes ends if asked to end at at: with the caller's key, unless
// sooner. Later is refused.
func (a actor) endsBy(at time.Time) (time.Time, error) {
	switch {
	case !a.outlivedBy(at):
		return at, nil
	case at.IsZero():
		return a.ends, nil
	}
	return at, &ForbiddenError{Text: "what is made with a key ends no later than that key"}
}
