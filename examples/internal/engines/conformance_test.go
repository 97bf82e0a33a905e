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

func TestKeysConform(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		keystest.TestStore(t, func(t *testing.T) keys.Store {
			return e.empty(t).Keys()
		})
	})
}

func TestLastUsedConforms(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		keystest.TestLastUsed(t, func(t *testing.T) (keys.Store, keys.LastUsedStore) {
			s := e.empty(t)
			return s.Keys(), s.Keys()
		})
	})
}

func TestRolesConform(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		rolestest.TestStore(t, func(t *testing.T) roles.Store {
			return e.empty(t).Roles()
		})
	})
}

func TestPublicAPIConforms(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		publicapitest.TestStore(t, func(t *testing.T) publicapi.Store {
			return e.empty(t).PublicAPI()
		})
	})
}

func TestAuditConforms(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		audittest.TestLog(t, func(t *testing.T) audit.Log {
			return e.empty(t).Audit()
		})
	})
}
