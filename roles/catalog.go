package roles

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Catalog lists the permissions that an application knows, in groups, each with a label and with its effect.
// It feeds check boxes, finds typing errors in roles, and tells which rights can change data. A role may
// grant what no catalog lists; such a right counts as one to change data. A nil *Catalog lists nothing. A
// catalog does not change and may be used by any number of goroutines at once.
type Catalog struct {
	groups   []Group
	patterns []string // of all entries
}

// A Group is a number of permissions under one heading.
type Group struct {
	Name        string  `json:"name"`
	Permissions []Entry `json:"permissions"`
}

// An Entry is one listed permission, such as content/pages/read, or a template for many: content/{model}/read.
// Text in braces stands for one whole segment.
type Entry struct {
	Permission string `json:"permission"`
	Label      string `json:"label"`
	Effect     Effect `json:"effect"`
}

// An Effect says whether a permission lets data be changed.
type Effect uint8

const (
	Write Effect = iota // can change something; also what is not said
	Read                // shows only
)

// String is "read" or "write".
func (e Effect) String() string {
	if e == Read {
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
		*e = Read
	case "write":
		*e = Write
	default:
		return fmt.Errorf("roles: effect %s is neither read nor write", quote(string(text)))
	}
	return nil
}

// NewCatalog makes a catalog of groups, which it copies. The error tells every entry whose permission is not
// well formed, whose effect is unknown, or that is listed twice (templates that differ only in the names in
// braces are the same).
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
			if e.Effect > Read {
				wrong("has an unknown effect")
			}
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return c, nil
}

// Groups returns copies of the groups with each template spelt out for the values of its names: with vars
// {"model": {"posts", "pages"}}, content/{model}/read becomes content/posts/read and content/pages/read, and
// {model} in the label is replaced too. A template with a name that vars lacks stays a template; values that
// are not valid segments are left out.
func (c *Catalog) Groups(vars map[string][]string) []Group {
	if c == nil {
		return nil
	}
	groups := make([]Group, len(c.groups))
	for i, g := range c.groups {
		groups[i] = Group{Name: g.Name, Permissions: []Entry{}}
		for _, e := range g.Permissions {
			groups[i].Permissions = append(groups[i].Permissions, spell(e, strings.Split(e.Permission, "/"), vars)...)
		}
	}
	return groups
}

// spell replaces the first name among the segments by each of its values, and so on for what comes of that.
func spell(e Entry, segments []string, vars map[string][]string) []Entry {
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
			spelt := slices.Clone(segments)
			for i := range spelt {
				if spelt[i] == segment {
					spelt[i] = value
				}
			}
			one := Entry{strings.Join(spelt, "/"), strings.ReplaceAll(e.Label, segment, value), e.Effect}
			all = append(all, spell(one, spelt, vars)...)
		}
		return all
	}
	return []Entry{e}
}

// Unknown returns, in order, the grants of role that match nothing in the catalog, such as typing errors and grants that
// are not well formed.
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

// templatePattern turns a template into the pattern of all it stands for.
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

// templateName takes the name out of "{name}".
func templateName(segment string) (string, bool) {
	name, ok := strings.CutPrefix(segment, "{")
	if !ok {
		return "", false
	}
	name, ok = strings.CutSuffix(name, "}")
	return name, ok && ValidSegment(name)
}
