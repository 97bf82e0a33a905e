package rolestest_test

import (
	"testing"

	"github.com/latchkey-go/latchkey/roles"
	"github.com/latchkey-go/latchkey/roles/rolestest"
)

// A host calls the suite from the tests of its own store, which opens a new one, with nothing in it, each time.
func Example() {
	// func TestStore(t *testing.T)
	testStore := func(t *testing.T) {
		rolestest.TestStore(t, func(*testing.T) roles.Store { return roles.NewMemoryStore() })
	}
	_ = testStore
}
