package auth

import "github.com/latchkey-go/latchkey/roles"

// Policy returns the policy of the moment, or nil if none can be vouched for. It is for packages that decide
// many things at once, such as the fields of a GraphQL operation, by one and the same policy. Together with the
// role, [Principal.InScope] must be asked.
func (g *Guard) Policy() *roles.Policy { return g.policy() }

// InScope reports whether the scopes of the key leave permission to the principal; without scopes they do. It
// says nothing about the role. A malformed scope allows nothing.
func (p Principal) InScope(permission string) bool { return inScope(p, permission) }
