package keys_test

import (
	"testing"

	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/keys/keystest"
)

func TestMemoryStore(t *testing.T) {
	keystest.TestStore(t, func(*testing.T) keys.Store { return keys.NewMemoryStore() })
}

func TestMemoryStoreLastUsed(t *testing.T) {
	keystest.TestLastUsed(t, func(*testing.T) (keys.Store, keys.LastUsedStore) {
		m := new(keys.MemoryStore) // the zero value is a store too
		return m, m
	})
}
