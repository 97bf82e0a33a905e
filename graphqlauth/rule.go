package graphqlauth

import "slices"

// A Rule says which callers pass. The zero Rule refuses every caller.
type Rule struct {
	valid bool
	key   bool         // a valid key or sign-in, not the public role
	needs [][][]string // each must hold: all permissions of at least one of its lists
}

// Require is the rule that the caller has all these permissions. Text in braces, as in content/{model}/read, is the
// value of the field's argument of that name, a String, an ID or an enum, exactly as written: if a resolver accepts 01
// for 1, or POSTS for posts, a caller denied content/1/read may reach the object as 01. Without permissions every
// caller is refused.
func Require(permissions ...string) Rule {
	return RequireScopes([][]string{permissions})
}

// RequireScopes is the rule that the caller has all permissions of at least one of these lists, as in @requiresScopes.
// With no list, or with an empty one, every caller is refused.
func RequireScopes(scopes [][]string) Rule {
	if len(scopes) == 0 || slices.ContainsFunc(scopes, func(all []string) bool { return len(all) == 0 }) {
		return Rule{}
	}
	own := make([][]string, len(scopes))
	for i, all := range scopes {
		own[i] = slices.Clone(all)
	}
	return Rule{valid: true, needs: [][][]string{own}}
}

// RequireKey is the rule that the caller is authenticated by a valid key or the host's own sign-in. The public role is
// not enough.
func RequireKey() Rule { return Rule{valid: true, key: true} }

// Anyone is the rule that every caller satisfies, even without a key and without a public role.
func Anyone() Rule { return Rule{valid: true} }

// All is the rule that all these rules hold. Without rules every caller is refused.
func All(rules ...Rule) Rule {
	both := Rule{valid: len(rules) > 0}
	for _, r := range rules {
		both.valid = both.valid && r.valid
		both.key = both.key || r.key
		both.needs = append(both.needs, r.needs...)
	}
	return both
}
