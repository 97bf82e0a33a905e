package roles

import (
	"cmp"
	"slices"
	"strings"

	"github.com/latchkey-go/latchkey/roles/internal/automaton"
)

// A Reason is the cause of a decision. It is a stable code for logs and tests.
type Reason string

const (
	ReasonNoPolicy   Reason = "no_policy"            // the policy is nil
	ReasonNoRole     Reason = "no_role"              // there is no such role
	ReasonMalformed  Reason = "malformed_permission" // the permission is not well formed
	ReasonAdmin      Reason = "admin"                // the built-in role allows everything
	ReasonGranted    Reason = "granted"              // a grant allows it and none denies it
	ReasonDenied     Reason = "denied"               // a grant denies it
	ReasonNotGranted Reason = "not_granted"          // no grant matches it
)

// A Decision is the answer of [Policy.Explain].
type Decision struct {
	Allowed bool
	Reason  Reason
	Role    string // the role whose grant decided, perhaps an inherited one; without a grant, the role asked for
	Grant   string // the grant that decided, or "" if none did
}

var sentences = map[Reason]string{
	ReasonNoPolicy:   "denied: there is no policy at the moment",
	ReasonNoRole:     "denied: there is no role {role}",
	ReasonMalformed:  "denied: this is not a well-formed permission",
	ReasonAdmin:      "allowed: the role {role} may do everything",
	ReasonGranted:    "allowed: role {role} grants {grant}",
	ReasonDenied:     "denied: role {role} forbids {grant}",
	ReasonNotGranted: "denied: role {role} has no grant for this",
}

// String describes the decision in one sentence.
func (d Decision) String() string {
	sentence := cmp.Or(sentences[d.Reason], "denied: no decision was made")
	return strings.NewReplacer("{role}", quote(d.Role), "{grant}", quote(d.Grant)).Replace(sentence)
}

// Explain decides like [Policy.Allows] and returns the reason. If several grants decide alike, it names one of the nearest
// role in the lineage: the exact one, else the first by text. It compares each pattern in turn, so it is slower than Allows.
func (p *Policy) Explain(appid, permission string) Decision {
	if p == nil {
		return Decision{Reason: ReasonNoPolicy, Role: appid}
	}
	r := p.roles[appid]
	switch {
	case r == nil && appid != Admin:
		return Decision{Reason: ReasonNoRole, Role: appid}
	case !ValidPermission(permission):
		return Decision{Reason: ReasonMalformed, Role: appid}
	case r == nil:
		return Decision{Allowed: true, Reason: ReasonAdmin, Role: appid}
	}
	for _, allowed := range []bool{false, true} { // deny wins
		if d, ok := r.decidedBy(permission, allowed); ok {
			return d
		}
	}
	return Decision{Reason: ReasonNotGranted, Role: appid}
}

// decidedBy finds the first grant in the lineage that allows, or denies, this permission.
func (r *resolvedRole) decidedBy(permission string, allowed bool) (Decision, bool) {
	d := Decision{Allowed: allowed, Reason: ReasonDenied}
	if allowed {
		d.Reason = ReasonGranted
	}
	for _, entry := range r.lineage {
		d.Role = entry.appid
		i, ok := slices.BinarySearchFunc(entry.grants, permission, byPattern)
		if ok && entry.grants[i].Allowed == allowed {
			d.Grant = permission
			return d, true
		}
		for _, g := range entry.grants {
			if g.Allowed == allowed && !automaton.IsLiteral(g.Pattern) && match(g.Pattern, permission) {
				d.Grant = g.Pattern
				return d, true
			}
		}
	}
	return Decision{}, false
}
