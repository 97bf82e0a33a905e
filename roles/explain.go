package roles

import (
	"slices"

	"github.com/latchkey-go/latchkey/roles/internal/automaton"
)

// A Reason says why a decision came out as it did. It is a stable code for logs and tests.
type Reason string

const (
	ReasonNoPolicy   Reason = "no_policy"            // the policy is nil
	ReasonNoRole     Reason = "no_role"              // there is no such role
	ReasonMalformed  Reason = "malformed_permission" // what was asked for is not a permission
	ReasonAdmin      Reason = "admin"                // the built-in role may do everything
	ReasonGranted    Reason = "granted"              // a grant allows it and none denies it
	ReasonDenied     Reason = "denied"               // a grant denies it
	ReasonNotGranted Reason = "not_granted"          // no grant is about it
)

// A Decision is an answer with its reason.
type Decision struct {
	Allowed bool
	Reason  Reason
	Role    string // the role whose grant decided, which may be an inherited one; else the role asked for
	Grant   string // the grant that decided, or "" if none did
}

// String is the decision in one sentence.
func (d Decision) String() string {
	switch d.Reason {
	case ReasonNoPolicy:
		return "denied: there is no policy at the moment"
	case ReasonNoRole:
		return "denied: there is no role " + quote(d.Role)
	case ReasonMalformed:
		return "denied: this is not a well-formed permission"
	case ReasonAdmin:
		return "allowed: the role " + quote(d.Role) + " may do everything"
	case ReasonGranted:
		return "allowed: role " + quote(d.Role) + " grants " + quote(d.Grant)
	case ReasonDenied:
		return "denied: role " + quote(d.Role) + " forbids " + quote(d.Grant)
	case ReasonNotGranted:
		return "denied: role " + quote(d.Role) + " has no grant for this"
	}
	return "denied: no decision was made"
}

// Explain decides like [Policy.Allows] and says why. Where several grants say the same, it names one of the
// nearest role in the line of inheritance: the exact one, else the first by text. It is for people, not for
// every request: it looks at each pattern in turn.
func (p *Policy) Explain(appid, permission string) Decision {
	if p == nil {
		return Decision{Reason: ReasonNoPolicy, Role: appid}
	}
	m := p.members[appid]
	switch {
	case m == nil && appid != Admin:
		return Decision{Reason: ReasonNoRole, Role: appid}
	case !ValidPermission(permission):
		return Decision{Reason: ReasonMalformed, Role: appid}
	case m == nil:
		return Decision{Allowed: true, Reason: ReasonAdmin, Role: appid}
	}
	if d, ok := m.decides(permission, false); ok {
		return d
	}
	if d, ok := m.decides(permission, true); ok {
		return d
	}
	return Decision{Reason: ReasonNotGranted, Role: appid}
}

// decides finds the first grant in the line that allows, or denies, this permission.
func (m *member) decides(permission string, allowed bool) (Decision, bool) {
	d := Decision{Allowed: allowed, Reason: ReasonDenied}
	if allowed {
		d.Reason = ReasonGranted
	}
	for _, r := range m.line {
		d.Role = r.appid
		i, ok := slices.BinarySearchFunc(r.grants, permission, byPattern)
		if ok && r.grants[i].Allowed == allowed {
			d.Grant = permission
			return d, true
		}
		for _, g := range r.grants {
			if g.Allowed == allowed && !automaton.IsLiteral(g.Pattern) && match(g.Pattern, permission) {
				d.Grant = g.Pattern
				return d, true
			}
		}
	}
	return Decision{}, false
}
