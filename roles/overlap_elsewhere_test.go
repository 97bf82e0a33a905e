package roles_test

import (
	"maps"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/roles"
)

// A role beyond the bound may only lose rights, compared with the role in the store: what this node last read may be
// older.
func TestStoredEntangledRoleChangedElsewhere(t *testing.T) {
	grants := entangledGrants(2, 60)
	texts := sortedTexts(grants)
	allowed := texts[slices.IndexFunc(texts, func(text string) bool { return grants[text] })]
	wide := roles.Role{AppID: "old", Permissions: grants}
	narrow := roles.Role{AppID: "old", Permissions: maps.Clone(grants)}
	delete(narrow.Permissions, allowed)
	renamed := roles.Role{AppID: "old", Name: "Old", Permissions: narrow.Permissions}

	synctest.Test(t, func(t *testing.T) {
		store := roles.NewMemoryStore(wide)
		d, err := roles.Open(t.Context(), roles.Config{Store: store})
		require.NoError(t, err)
		defer d.Close(t.Context())
		outside(t, store, narrow)
		require.ErrorContains(t, d.Save(t.Context(), wide), "can only be deleted or saved with fewer rights")
	})
	synctest.Test(t, func(t *testing.T) {
		store := roles.NewMemoryStore(mayRead("editor"))
		d, err := roles.Open(t.Context(), roles.Config{Store: store})
		require.NoError(t, err)
		defer d.Close(t.Context())
		outside(t, store, narrow)
		require.NoError(t, d.Save(t.Context(), renamed))
	})
}
