package admin

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// covers reports whether the caller holds what they are about to hand out.
func (c *change) covers(rights roles.Rights) error {
	return covered(c.policy, c.by.rights, rights)
}

func covered(policy *roles.Policy, held, rights roles.Rights) error {
	if policy.Covers(held, rights) {
		return nil
	}
	return &ForbiddenError{lacking(policy, held, rights), "nobody hands out more than they hold"}
}

// lacking is which of rights are not held, as the grants or scopes that give them.
func lacking(policy *roles.Policy, held, rights roles.Rights) []string {
	parts := rights.Scopes
	if len(parts) == 0 {
		parts = grants(policy, rights.Role)
	}
	var missing []string
	for _, part := range parts {
		if !policy.Covers(held, roles.Rights{Role: rights.Role, Scopes: []string{part}}) {
			missing = append(missing, part)
		}
	}
	return missing
}

// grants returns what allows something in a role, its own or inherited, in order.
func grants(policy *roles.Policy, appid string) []string {
	if appid == roles.Admin {
		return []string{"**"}
	}
	var allowing []string
	for grant, allowed := range policy.Effective(appid) {
		if allowed {
			allowing = append(allowing, grant)
		}
	}
	slices.Sort(allowing)
	return allowing
}

// coversRole reports whether the caller may save a role that makes next out of the policy. It is judged by what
// the caller holds before: nobody raises themselves. What no role gains by it needs no cover.
func (c *change) coversRole(next *roles.Policy, appid string) error {
	for _, heir := range heirs(next, appid) {
		policy, after, err := c.beside(next, heir)
		if err != nil {
			return err
		}
		if c.policy.Has(heir) && policy.Covers(roles.Rights{Role: heir}, after) {
			continue
		}
		if err := covered(policy, c.by.rights, after); err != nil {
			return err
		}
	}
	return nil
}

// beside returns the policy with one more role, which may do what appid may in next, so that both can be compared.
func (c *change) beside(next *roles.Policy, appid string) (*roles.Policy, roles.Rights, error) {
	probe := roles.Role{AppID: unused(c.policy), Permissions: next.Effective(appid)}
	policy, err := c.policy.With(probe)
	return policy, roles.Rights{Role: probe.AppID}, err
}

// heirs returns a role and all that inherit from it, in order.
func heirs(policy *roles.Policy, appid string) []string {
	return slices.DeleteFunc(policy.AppIDs(), func(heir string) bool {
		return !slices.Contains(policy.Lineage(heir), appid)
	})
}

// unused returns an appid that no role has, in any case.
func unused(policy *roles.Policy) string {
	taken := policy.AppIDs()
	for n := 0; ; n++ {
		appid := fmt.Sprint("probe", n)
		if !slices.ContainsFunc(taken, func(t string) bool { return strings.EqualFold(t, appid) }) {
			return appid
		}
	}
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
