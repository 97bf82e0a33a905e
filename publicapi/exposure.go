package publicapi

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/roles"
)

// A Report is exactly what callers without a key can do.
type Report struct {
	Role string // "" is closed: then only Routes that need no permission are left
	// Grants are the role's own and all it inherits, denies included: to the letter what it may do.
	Grants roles.Grants
	// Groups are the catalog's permissions that the role allows, for at least one value of their {name}s.
	// Each says by its Effect whether it changes data. Partly lists those that it does not allow for all values.
	Groups []roles.Group
	Partly []string
	// Unlisted is what the role allows beyond the catalog, as grants. Each counts as changing data.
	Unlisted []string
	// Writes is everything that changes data, listed or not: what [Service.Set] wants acknowledged.
	Writes []string
	// Routes are the given routes that are reached without a key. Handlers that were registered otherwise
	// than with the guard's Handle or Open are not known to it.
	Routes []auth.Route
}

// Exposure says what the world could do if appid were the public role, which is what it can do now if it is.
// A role that can never be public, or "", is reported as closed. A nil catalog lists nothing, so everything is
// unlisted. Routes come from [auth.Guard.Routes], and from others that make them.
func Exposure(policy *roles.Policy, appid string, catalog *roles.Catalog, routes []auth.Route) Report {
	var report Report
	if policy != nil && policy.Has(appid) && !strings.EqualFold(appid, roles.Admin) {
		report.Role = appid
		report.Grants = policy.Effective(appid)
		report.Groups = catalog.Reached(policy, appid)
		report.Partly = partly(policy, appid, report.Groups)
		report.Writes = catalog.Writes(policy, appid)
		report.Unlisted = unlisted(report.Writes, report.Groups)
	}
	for _, route := range routes {
		if route.ReachedBy(policy, roles.Rights{Role: report.Role}) {
			report.Routes = append(report.Routes, route)
		}
	}
	return report
}

var name = regexp.MustCompile(`\{[^/]*\}`)

// partly is what of groups the role does not allow for all values of its {name}s: what the super role, narrowed
// to it, may do and the role may not.
func partly(policy *roles.Policy, appid string, groups []roles.Group) []string {
	var some []string
	for _, group := range groups {
		for _, entry := range group.Permissions {
			all := roles.Rights{Role: roles.Admin, Scopes: []string{name.ReplaceAllString(entry.Permission, "*")}}
			if !policy.Covers(roles.Rights{Role: appid}, all) {
				some = append(some, entry.Permission)
			}
		}
	}
	return some
}

// unlisted is what of writes is no entry of groups.
func unlisted(writes []string, groups []roles.Group) []string {
	var rest []string
	for _, text := range writes {
		listed := slices.ContainsFunc(groups, func(g roles.Group) bool {
			return slices.ContainsFunc(g.Permissions, func(e roles.Entry) bool { return e.Permission == text })
		})
		if !listed {
			rest = append(rest, text)
		}
	}
	return rest
}

// String is the report in plain words, a line for each thing.
func (r Report) String() string {
	var b strings.Builder
	if r.Role == "" {
		b.WriteString("The public API is closed.\n")
	} else {
		fmt.Fprintf(&b, "Everybody has the role %s.\n", r.Role)
	}
	line := func(what string, write bool) {
		mark := "may"
		if write {
			mark = "MAY CHANGE:"
		}
		fmt.Fprintf(&b, "  %s %s\n", mark, what)
	}
	for _, group := range r.Groups {
		fmt.Fprintf(&b, "%s\n", group.Name)
		for _, entry := range group.Permissions {
			what := fmt.Sprintf("%s (%s)", entry.Label, entry.Permission)
			if slices.Contains(r.Partly, entry.Permission) {
				what += ", not for all"
			}
			line(what, entry.Effect == roles.Write)
		}
	}
	if len(r.Unlisted) > 0 {
		b.WriteString("Not in the catalog\n")
		for _, grant := range r.Unlisted {
			line(grant, true)
		}
	}
	if len(r.Grants) > 0 {
		b.WriteString("To the letter\n")
		for _, grant := range slices.Sorted(maps.Keys(r.Grants)) {
			verdict := "allowed"
			if !r.Grants[grant] {
				verdict = "denied"
			}
			fmt.Fprintf(&b, "  %s: %s\n", grant, verdict)
		}
	}
	if len(r.Routes) > 0 {
		b.WriteString("Routes that need no key\n")
		for _, route := range r.Routes {
			need := route.Permission
			if route.Open {
				need = "open"
			}
			fmt.Fprintf(&b, "  %s (%s)\n", route.Pattern, need)
		}
	}
	b.WriteString("Routes that were registered otherwise than with Handle or Open are not known here.\n")
	return b.String()
}
