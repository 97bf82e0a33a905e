package roles

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Catalog lists the permissions of an application, in groups, each with a label and an effect. It feeds check boxes, finds
// typing errors in roles, and tells which permissions can change data. A role may grant a permission that is not listed; it
// counts as one that can change data. A nil *Catalog lists nothing. A Catalog does not change, and may be used by several
// goroutines at once.
type Catalog struct {
	groups   []Group
	patterns []string // of the entries
}

// A Group is a list of permissions with a heading.
type Group struct {
	Name        string  `json:"name"`
	Permissions []Entry `json:"permissions"`
}

// An Entry is a permission, such as content/pages/read, or a template of permissions, such as content/{model}/read. A name in
// braces stands for one whole segment.
type Entry struct {
	Permission string `json:"permission"`
	Label      string `json:"label"`
	Effect     Effect `json:"effect"`
}

// An Effect tells whether a permission can change data.
type Effect uint8

const (
	EffectWrite Effect = iota // can change data; the default
	EffectRead                // only shows data
)

// String returns "read" or "write".
func (e Effect) String() string {
	if e == EffectRead {
		return "read"
	}
	return "write"
}

// MarshalText writes "read" or "write".
func (e Effect) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText reads "read" or "write" and refuses anything else.
func (e *Effect) UnmarshalText(text []byte) error {
	switch string(text) {
	case "read":
		*e = EffectRead
	case "write":
		*e = EffectWrite
	default:
		return fmt.Errorf("roles: effect %s is neither read nor write", quote(string(text)))
	}
	return nil
}

// NewCatalog makes a catalog from groups, which it copies. The error names every entry whose permission is not well formed,
// whose effect is unknown, or that is listed twice. Templates that differ only in the names in braces are equal.
func NewCatalog(groups ...Group) (*Catalog, error) {
	c := &Catalog{}
	seen := map[string]bool{}
	var errs []error
	for _, g := range groups {
		g.Permissions = slices.Clone(g.Permissions)
		c.groups = append(c.groups, g)
		for _, e := range g.Permissions {
			wrong := func(why string) {
				errs = append(errs, fmt.Errorf("roles: catalog group %s: %s %s", quote(g.Name), quote(e.Permission), why))
			}
			pattern, ok := templatePattern(e.Permission)
			switch {
			case !ok:
				wrong("is not a permission or a template")
				continue
			case seen[pattern]:
				wrong("is listed twice")
				continue
			}
			seen[pattern] = true
			c.patterns = append(c.patterns, pattern)
			if e.Effect > EffectRead {
				wrong("has an unknown effect")
			}
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return c, nil
}

// Groups returns copies of the groups, with each template expanded for the values of its names: with vars
// {"model": {"posts", "pages"}}, content/{model}/read becomes content/posts/read and content/pages/read, and {model} in the
// label is replaced too. A template with a name that is not in vars stays a template. Values that are not valid segments
// are left out.
func (c *Catalog) Groups(vars map[string][]string) []Group {
	if c == nil {
		return nil
	}
	groups := make([]Group, len(c.groups))
	for i, g := range c.groups {
		groups[i] = Group{Name: g.Name, Permissions: []Entry{}}
		for _, e := range g.Permissions {
			groups[i].Permissions = append(groups[i].Permissions, expand(e, strings.Split(e.Permission, "/"), vars)...)
		}
	}
	return groups
}

// expand replaces the first known name of a template by each of its values, then expands the results.
func expand(e Entry, segments []string, vars map[string][]string) []Entry {
	for _, segment := range segments {
		name, ok := templateName(segment)
		values, known := vars[name]
		if !ok || !known {
			continue
		}
		var all []Entry
		for _, value := range values {
			if !ValidSegment(value) {
				continue
			}
			replaced := slices.Clone(segments)
			for i := range replaced {
				if replaced[i] == segment {
					replaced[i] = value
				}
			}
			one := Entry{strings.Join(replaced, "/"), strings.ReplaceAll(e.Label, segment, value), e.Effect}
			all = append(all, expand(one, replaced, vars)...)
		}
		return all
	}
	return []Entry{e}
}

// Unknown returns, in order, the grants of role that match no permission of the catalog, such as typing errors and malformed
// grants.
func (c *Catalog) Unknown(role Role) []string {
	var unknown []string
	for _, text := range slices.Sorted(maps.Keys(role.Permissions)) {
		listed := func(pattern string) bool { return overlap(pattern, text) }
		if c == nil || !ValidPattern(text) || !slices.ContainsFunc(c.patterns, listed) {
			unknown = append(unknown, text)
		}
	}
	return unknown
}

// templatePattern returns the pattern of the permissions that a template stands for.
func templatePattern(template string) (string, bool) {
	segments := strings.Split(template, "/")
	for i, segment := range segments {
		if _, ok := templateName(segment); ok {
			segments[i] = "*"
		} else if !ValidSegment(segment) {
			return "", false
		}
	}
	pattern := strings.Join(segments, "/")
	return pattern, ValidPattern(pattern)
}

// templateName returns the name in "{name}".
func templateName(segment string) (string, bool) {
	rest, opened := strings.CutPrefix(segment, "{")
	name, closed := strings.CutSuffix(rest, "}")
	return name, opened && closed && ValidSegment(name)
}
