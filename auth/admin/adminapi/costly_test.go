package adminapi_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// entangled returns n patterns of 14 segments below "content", which are costly to compare.
func entangled(seed uint64, n int) []string {
	random := rand.New(rand.NewPCG(seed, 1))
	var all []string
	for len(all) < n {
		pattern := []string{"content"}
		for range 14 {
			segment := "*"
			if random.IntN(3) == 0 {
				segment = string("abc"[random.IntN(3)])
			}
			pattern = append(pattern, segment)
		}
		all = append(all, strings.Join(pattern, "/"))
	}
	return all
}

// TestWhatIsTooComplexIsRefused asks for a key whose access takes too long to compare with the caller's.
func TestWhatIsTooComplexIsRefused(t *testing.T) {
	w := newWorld(t, nil)
	grants := roles.Grants{admin.ManageAPI: true}
	for _, pattern := range entangled(1, 12) {
		grants[pattern] = true
	}
	require.NoError(t, w.service.CreateRole(t.Context(), w.root(), roles.Role{AppID: "odd", Permissions: grants}))
	issued := w.custom(keys.Custom{Name: "odd", Role: "odd"})
	refused := w.call(credential(issued.Key.Reveal()), "POST", "/keys", map[string]any{"name": "Costly", "role": "admin", "scopes": entangled(2, 64)})
	w.expect(422, refused)
	require.Contains(t, refused.string("detail"), "Use fewer or simpler patterns")
}
