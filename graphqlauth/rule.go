package graphqlauth

import "slices"

// A Rule says who may pass. The zero Rule lets nobody pass.
type Rule struct {
	meant bool
	key   bool         // a good key, not the public role
	needs [][][]string // each must hold: all permissions of at least one of its lists
}

// Require is the rule that the caller has all these permissions. Text in braces, as in content/{model}/read, is
// taken from the field's argument of that name, a String, an ID or an enum, as it is written: where a resolver takes
// 01 for 1, or POSTS for posts, a denied content/1/read is reached by 01. Without permissions nobody passes.
func Require(permissions ...string) Rule {
	return RequireScopes([][]string{permissions})
}

// RequireScopes is the rule that the caller has all permissions of at least one of these lists, the meaning of
// @requiresScopes. With no list, or an empty one, nobody passes.
func RequireScopes(scopes [][]string) Rule {
	if len(scopes) == 0 || slices.ContainsFunc(scopes, func(all []string) bool { return len(all) == 0 }) {
		return Rule{}
	}
	own := make([][]string, len(scopes))
	for i, all := range scopes {
		own[i] = slices.Clone(all)
	}
	return Rule{meant: true, needs: [][][]string{own}}
}

// RequireKey is the rule that the caller is known, by a good key or the host's own sign-in; the public role does
// not suffice.
func RequireKey() Rule { return Rule{meant: true, key: true} }

// Anyone is the rule that everybody meets, callers without a key and without a public role too.
func Anyone() Rule { return Rule{meant: true} }

// All is the rule that all these rules hold. Without rules nobody passes.
func All(rules ...Rule) Rule {
	both := Rule{meant: len(rules) > 0}
	for _, r := range rules {
		both.meant = both.meant && r.meant
		both.key = both.key || r.key
		both.needs = append(both.needs, r.needs...)
	}
	return both
}
