package roles

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"
)

// A Problem is one mistake in a set of roles. The error of [Compile] joins all of them; errors.As finds the
// first, and [Problems] lists them.
type Problem struct {
	Role  string // the appid of the role that has it
	Field string // the member of the role's JSON that has it: appid, name, info, permissions or inherits
	Grant string // the grant that has it, or "" if it is not in one grant
	Text  string // the end of a sentence that begins with the grant or, without one, with the role
}

// Error says which role and grant are wrong and why. Long names are cut and all are quoted.
func (p *Problem) Error() string {
	text := "roles: role " + quote(p.Role)
	if p.Grant != "" {
		text += ", grant " + quote(p.Grant)
	}
	return text + ": " + p.Text
}

// Problems lists every [Problem] in err, in order. It is empty if err holds none.
func Problems(err error) []*Problem {
	switch e := err.(type) {
	case nil:
		return nil
	case *Problem:
		return []*Problem{e}
	case interface{ Unwrap() []error }:
		var all []*Problem
		for _, each := range e.Unwrap() {
			all = append(all, Problems(each)...)
		}
		return all
	}
	return Problems(errors.Unwrap(err))
}

// join makes one error of all problems in the order of roles and grants: nil if there are none.
func join(problems []*Problem) error {
	slices.SortStableFunc(problems, func(a, b *Problem) int {
		return cmp.Or(strings.Compare(a.Role, b.Role), strings.Compare(a.Grant, b.Grant))
	})
	errs := make([]error, len(problems))
	for i, p := range problems {
		errs[i] = p
	}
	return errors.Join(errs...)
}

// quote shows text of unknown origin in an error: escaped, and no longer than a line.
func quote(s string) string {
	const longest = 80
	if len(s) > longest {
		return strconv.QuoteToASCII(s[:longest]) + "…"
	}
	return strconv.QuoteToASCII(s)
}
