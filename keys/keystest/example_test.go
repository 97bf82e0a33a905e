package keystest_test

import (
	"testing"

	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/keys/keystest"
)

// A host calls the suite from the tests of its own store. This one keeps its records in memory; one in SQL opens
// a new, empty database or schema each time.
func Example() {
	// func TestStore(t *testing.T)
	testStore := func(t *testing.T) {
		keystest.TestStore(t, func(t *testing.T) keys.Store {
			return keys.NewMemoryStore()
		})
	}
	// func TestStoreLastUsed(t *testing.T)
	testStoreLastUsed := func(t *testing.T) {
		keystest.TestLastUsed(t, func(t *testing.T) (keys.Store, keys.LastUsedStore) {
			store := keys.NewMemoryStore()
			t.Cleanup(func() { /* close what was opened */ })
			return store, store
		})
	}
	_, _ = testStore, testStoreLastUsed
}
