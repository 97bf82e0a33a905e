package engines_test

import (
	"testing"

	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/auth/audit/audittest"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/keys/keystest"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/publicapi/publicapitest"
	"github.com/latchkey-go/latchkey/roles"
	"github.com/latchkey-go/latchkey/roles/rolestest"
)

func TestStoresConform(t *testing.T) { onEach(t, conform) }

// conform runs all suites.
func conform(t *testing.T, e engine) {
	t.Run("keys", func(t *testing.T) {
		keystest.TestStore(t, func(t *testing.T) keys.Store { return e.empty(t).Keys() })
	})
	t.Run("last used", func(t *testing.T) {
		keystest.TestLastUsed(t, func(t *testing.T) (keys.Store, keys.LastUsedStore) {
			s := e.empty(t)
			return s.Keys(), s.Keys()
		})
	})
	t.Run("roles", func(t *testing.T) {
		rolestest.TestStore(t, func(t *testing.T) roles.Store { return e.empty(t).Roles() })
	})
	t.Run("public API", func(t *testing.T) {
		publicapitest.TestStore(t, func(t *testing.T) publicapi.Store { return e.empty(t).PublicAPI() })
	})
	t.Run("audit", func(t *testing.T) {
		audittest.TestLog(t, func(t *testing.T) audit.Log { return e.empty(t).Audit() })
	})
}
