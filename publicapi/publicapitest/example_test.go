package publicapitest_test

import (
	"testing"

	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/publicapi/publicapitest"
)

// A host calls the suite from the tests of its own store, which opens a new one, with nothing in it, each time.
func Example() {
	// func TestStore(t *testing.T)
	testStore := func(t *testing.T) {
		publicapitest.TestStore(t, func(*testing.T) publicapi.Store { return publicapi.NewMemoryStore() })
	}
	_ = testStore
}
