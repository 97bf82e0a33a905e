package publicapi

import (
	"regexp"
	"slices"
	"strings"

	"github.com/latchkey-go/latchkey/roles"
)

// A listing is a catalog with the current values of its {name}s, prepared for lookups.
type listing struct {
	exact     map[string]roles.Entry
	templates []template
	expanded  []template // all entries; templates with known names are expanded
	remaining int        // comparisons of a grant with an entry that the report may still make
}

// A template is an entry with the pattern of all its permissions.
type template struct {
	roles.Entry
	pattern string
}

// maxComparisons limits one report to about 20 ms. Further grants have no label and no matches, and count as writes.
const maxComparisons = 200_000

// spend uses up one comparison, and reports whether it may be made.
func (l *listing) spend() bool {
	l.remaining--
	return l.remaining >= 0
}

func newListing(catalog *roles.Catalog, names map[string][]string) *listing {
	l := &listing{exact: map[string]roles.Entry{}, remaining: maxComparisons}
	for _, group := range catalog.Groups(nil) {
		for _, entry := range group.Permissions {
			if name.MatchString(entry.Permission) {
				l.templates = append(l.templates, template{entry, patternOf(entry.Permission)})
			} else {
				l.exact[entry.Permission] = entry
			}
		}
	}
	for _, group := range catalog.Groups(names) {
		for _, entry := range group.Permissions {
			l.expanded = append(l.expanded, template{entry, patternOf(entry.Permission)})
		}
	}
	return l
}

// name matches a {name} in a catalog's template.
var name = regexp.MustCompile(`\{([^/{}]*)\}`)

// patternOf returns the pattern of all permissions of a template.
func patternOf(template string) string { return name.ReplaceAllString(template, "*") }

// label returns the catalog's label of a grant: for a permission with the values of the template's {name}s, for a
// pattern with "any model" for {model}.
func (l *listing) label(grant string) string {
	if entry, ok := l.exact[grant]; ok {
		return entry.Label
	}
	for _, entry := range l.templates {
		switch {
		case !l.spend():
			return ""
		case entry.pattern == grant:
			return name.ReplaceAllString(entry.Label, "any $1")
		case roles.Match(entry.pattern, grant):
			values := strings.Split(grant, "/")
			label := entry.Label
			for i, segment := range strings.Split(entry.Permission, "/") {
				if name.MatchString(segment) {
					label = strings.ReplaceAll(label, segment, values[i])
				}
			}
			return label
		}
	}
	return ""
}

// effect returns the effect of one permission: write, unless the catalog lists it as read and nowhere as write.
func (l *listing) effect(permission string) roles.Effect {
	effect := roles.EffectWrite
	if entry, ok := l.exact[permission]; ok {
		if effect = entry.Effect; effect == roles.EffectWrite {
			return roles.EffectWrite
		}
	}
	for _, entry := range l.templates {
		if !l.spend() {
			return roles.EffectWrite
		}
		if roles.Match(entry.pattern, permission) {
			if effect = entry.Effect; effect == roles.EffectWrite {
				return roles.EffectWrite
			}
		}
	}
	return effect
}

// reads returns grants of the permissions that the catalog lists as read and nowhere as write.
func (l *listing) reads() roles.Grants {
	grants := roles.Grants{}
	for permission, entry := range l.exact {
		grants[permission] = entry.Effect == roles.EffectRead
	}
	for _, entry := range l.templates {
		grants[entry.pattern] = entry.Effect == roles.EffectRead
	}
	return grants
}

// matches returns the listed permissions that a pattern grants to appid in policy and not in before. Templates without known
// names stay templates.
func (l *listing) matches(pattern string, policy, before *roles.Policy, appid string) []roles.Entry {
	var all []roles.Entry
	for _, entry := range l.expanded {
		if !l.spend() {
			return nil
		}
		if roles.ValidPermission(entry.Permission) {
			if roles.Match(pattern, entry.Permission) && policy.Allows(appid, entry.Permission) && !before.Allows(appid, entry.Permission) {
				all = append(all, entry.Entry)
			}
			continue
		}
		if policy.Reaches(roles.Rights{Role: appid, Scopes: []string{pattern}}, entry.pattern) &&
			!before.Covers(roles.Rights{Role: appid}, roles.Rights{Role: roles.Admin, Scopes: []string{entry.pattern}}) {
			all = append(all, entry.Entry)
		}
	}
	return slices.Clip(all)
}
