package publicapi

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/roles"
)

// A Report lists what callers without a key can do.
type Report struct {
	Role string // "" is closed: then Routes has only routes that need no permission
	// Grants are the role's own and inherited grants, denies included.
	Grants roles.Grants
	// Permissions has one entry for each grant that allows something, in order. The role has no other permissions. The
	// preview of an edit lists only the permissions that the edit adds.
	Permissions []Permission
	// Writes are the Permissions that can change data. They must be acknowledged, each by its name.
	Writes []string
	// Routes are the given routes that can be reached without a key. A guard knows only handlers that were registered with
	// it.
	Routes []auth.Route
	// Token identifies this preview; see [Service.Preview]. It is "" if nothing needs to be confirmed.
	Token string
}

// A Permission describes one grant of the public role, which is a permission or a pattern. The label is the catalog's, or ""
// if the catalog does not list the grant. The effect is read only if the catalog lists every permission that the grant
// allows as read.
type Permission struct {
	roles.Entry
	Matches []roles.Entry `json:"matches,omitempty"` // of a pattern: the listed permissions that it allows now
}

// Exposure reports what callers without a key could do if appid were the public role. A role that can never be public,
// or "", is reported as closed. Without a catalog every permission counts as a write. Get routes from
// [auth.Guard.Routes], and from other packages that have some. The report has no token: [Service.Preview] makes it.
func Exposure(policy *roles.Policy, appid string, catalog *roles.Catalog, routes []auth.Route) Report {
	report := expose(withBudget(context.Background(), policy), nil, appid, newListing(catalog, nil))
	for _, route := range routes {
		if route.ReachedBy(policy, roles.Rights{Role: report.Role}) {
			report.Routes = append(report.Routes, route)
		}
	}
	return report
}

// withBudget returns policy with a step budget for one report, which takes about 65 ms at most. Beyond the budget, a grant
// counts as new and as a write.
func withBudget(ctx context.Context, policy *roles.Policy) *roles.Policy {
	return policy.Within(ctx, &roles.Budget{Steps: 1 << 18})
}

// expose is Exposure without routes. It draws from policy's step budget. With before it lists only the permissions that
// before does not allow appid.
func expose(policy, before *roles.Policy, appid string, l *listing) Report {
	if checkRole(policy, appid) != nil {
		return Report{}
	}
	report := Report{Role: appid, Grants: policy.Effective(appid)}
	both, known, listed := comparison(policy, before, appid, l)
	if before != nil && both.Covers(known, roles.Rights{Role: appid}) {
		return report // nothing is added
	}
	for _, grant := range slices.Sorted(maps.Keys(report.Grants)) {
		p := Permission{Entry: roles.Entry{Permission: grant}}
		if roles.ValidPermission(grant) {
			if !policy.Allows(appid, grant) || before.Allows(appid, grant) {
				continue
			}
			p.Effect = l.effect(grant)
		} else {
			allowed := roles.Rights{Role: appid, Scopes: []string{grant}}
			if !report.Grants[grant] || both.Covers(known, allowed) {
				continue // it denies, or allows nothing new
			}
			if both.Covers(listed, allowed) {
				p.Effect = roles.EffectRead
			}
			p.Matches = l.matches(grant, policy, before, appid)
		}
		p.Label = l.label(grant)
		report.Permissions = append(report.Permissions, p)
		if p.Effect == roles.EffectWrite {
			report.Writes = append(report.Writes, grant)
		}
	}
	return report
}

// comparison returns policy with two more roles: known has the permissions that before allows appid, and listed has those
// that the catalog lists as read. If they can't be added, they allow nothing, so that every permission must be confirmed.
func comparison(policy, before *roles.Policy, appid string, l *listing) (both *roles.Policy, known, listed roles.Rights) {
	known, listed = roles.Rights{Role: unusedAppID(policy, "known")}, roles.Rights{Role: unusedAppID(policy, "listed")}
	both, err := policy.With(roles.Role{AppID: known.Role, Permissions: before.Effective(appid)})
	if err != nil {
		return policy, known, listed
	}
	with, err := both.With(roles.Role{AppID: listed.Role, Permissions: l.reads()})
	if err != nil {
		return both, known, listed
	}
	return with, known, listed
}

// unusedAppID returns an appid that no role has in upper or lower case.
func unusedAppID(policy *roles.Policy, appid string) string {
	taken := policy.AppIDs()
	for slices.ContainsFunc(taken, func(t string) bool { return strings.EqualFold(t, appid) }) {
		appid += "x"
	}
	return appid
}
