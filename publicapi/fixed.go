package publicapi

import (
	"context"
	"fmt"
	"strings"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/internal/ask"
	"github.com/latchkey-go/latchkey/roles"
)

// Fixed gives callers without a key the role appid, while the guard's policy has that role. It panics if appid is not valid
// or is the super role. Unlike a [Service] it does not require a confirmation of permissions that change data: the author of
// the program chose the role.
func Fixed(appid string) auth.Anonymous {
	if !roles.ValidAppID(appid) || strings.EqualFold(appid, roles.Admin) {
		panic(fmt.Sprintf("publicapi: %q cannot be a public role", appid))
	}
	return fixed(appid)
}

type fixed string

// PublicRole implements [auth.Anonymous].
func (f fixed) PublicRole(context.Context) (string, error) { return string(f), nil }

// FixedRole lets [auth.New] find a role that a fixed policy lacks.
func (f fixed) FixedRole() string { return string(f) }

func init() {
	ask.DeclareBounded(func(fixed) bool { return true })
	ask.DeclareBounded(func(s *Service) bool { return s.inMemory || s.cached != nil })
}
