package publicapi

import (
	"context"
	"fmt"
	"strings"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/internal/ask"
	"github.com/latchkey-go/latchkey/roles"
)

// Fixed gives callers without a key the role appid, for as long as the guard's policy has it. It panics if
// appid is no appid, or is the super role, which nobody means to give to the world. Unlike a [Service] it
// does not ask what the role can change: who writes the program writes the role, too.
func Fixed(appid string) auth.Anonymous {
	if !roles.ValidAppID(appid) || strings.EqualFold(appid, roles.Admin) {
		panic(fmt.Sprintf("publicapi: %q cannot be a public role", appid))
	}
	return fixed(appid)
}

type fixed string

// PublicRole implements [auth.Anonymous].
func (f fixed) PublicRole(context.Context) (string, error) { return string(f), nil }

func init() {
	ask.DeclareBounded(func(fixed) bool { return true })
	ask.DeclareBounded(func(s *Service) bool { return s.inMemory || s.cached != nil })
}
