package admin

import (
	"net/netip"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/latchkey-go/latchkey/roles"
)

// checkKey judges what people write about a key, and says which field is wrong.
func (s *Service) checkKey(name string, scopes []string, networks []netip.Prefix) error {
	const mostName, most = 200, 64
	switch {
	case len(name) > mostName:
		return badInput("name", "is longer than 200 bytes")
	case !utf8.ValidString(name) || oneOf(name, unicode.IsControl):
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

// checkRole judges a role that a key is given.
func (c *change) checkRole(appid string) error {
	if appid != "" && !c.policy.Has(appid) {
		return badInput("role", "is not the appid of a role")
	}
	return nil
}

// showsKey reports whether text holds one of the ring's keys: somebody pasted it into the wrong field.
func (s *Service) showsKey(text string) bool {
	return slices.ContainsFunc(s.keyLike.FindAllString(text, -1), s.cfg.Keys.Format().Valid)
}

func oneOf(text string, is func(rune) bool) bool { return slices.ContainsFunc([]rune(text), is) }
