package admin

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// checkKey validates a key's text, scopes and networks, and names the field that is wrong.
func (s *Service) checkKey(name string, scopes []string, networks []netip.Prefix) error {
	const mostName, most = 200, 64
	switch {
	case len(name) > mostName:
		return badInput("name", "is longer than 200 bytes")
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return badInput("name", "is not one line of text")
	case s.showsKey(name):
		return badInput("name", "holds a key: names are shown to others")
	case len(scopes) > most:
		return badInput("scopes", "has more than 64 members")
	case slices.ContainsFunc(scopes, func(p string) bool { return !roles.ValidPattern(p) }):
		return badInput("scopes", "has a member that is not a permission or a pattern")
	case slices.ContainsFunc(scopes, s.showsKey):
		return badInput("scopes", "holds a key: scopes are shown to others")
	case len(networks) > most:
		return badInput("allowed_ips", "has more than 64 members")
	case slices.ContainsFunc(networks, func(p netip.Prefix) bool { return !p.IsValid() || p.Addr().Is4In6() }):
		return badInput("allowed_ips", "has a member that is not an address or a network")
	}
	return nil
}

// checkRole validates the role of a key.
func (c *change) checkRole(appid string) error {
	if appid != "" && !c.policy.Has(appid) {
		return badInput("role", "is not the appid of a role")
	}
	return nil
}

// showsKey reports whether text contains a value in the format of the ring's keys, such as one pasted into the wrong
// field.
func (s *Service) showsKey(text string) bool {
	return slices.ContainsFunc(s.keyLike.FindAllString(text, -1), s.cfg.Keys.Format().Valid)
}

// checkSettings checks the settings that a key would get.
func (c *change) checkSettings(before *keys.Record, set *keys.Settings, role string) error {
	if err := c.checkKey(set.Name, set.Scopes, set.AllowedIPs); err != nil {
		return err
	}
	if before.Kind == keys.KindCustom {
		if role = set.Role; role != before.Role {
			if err := c.checkRole(role); err != nil {
				return err
			}
		}
	} else if set.Role != "" {
		return badInput("role", "cannot be set: a user key has the role of its user")
	}
	was, at := before.ExpiresAt, set.ExpiresAt
	if later := !was.IsZero() && (at.IsZero() || at.After(was)); later {
		end, err := c.by.endsBy(at)
		if err != nil {
			return err
		}
		set.ExpiresAt = end
	}
	if c.by.outlivedBy(set.ExpiresAt) {
		widens, err := c.widens(before, set, role)
		if err != nil {
			return err
		}
		if widens {
			return forbidden("a key that you widen with your key must not expire later than yours")
		}
	}
	return c.coversKey(&keys.Record{Scopes: set.Scopes, AllowedIPs: set.AllowedIPs}, role)
}

var errWidens = errors.New("admin: the key would allow more than before")

// widens reports whether a key would allow more than before, or be valid from more networks.
func (c *change) widens(before *keys.Record, set *keys.Settings, role string) (bool, error) {
	if !inside(set.AllowedIPs, before.AllowedIPs) {
		return true, nil
	}
	was, next := roles.Rights{Role: before.Role, Scopes: before.Scopes}, roles.Rights{Role: role, Scopes: set.Scopes}
	if before.Kind == keys.KindUser {
		was.Role = role // its user's, before and after
	}
	err := c.compare(fmt.Sprintf("widens %q to %q", was, next), func(policy *roles.Policy) error {
		missing, err := policy.Missing(was, policy, next)
		if err == nil && len(missing) > 0 {
			return errWidens
		}
		return costly(err)
	})
	if errors.Is(err, errWidens) {
		return true, nil
	}
	return false, err
}
