//go:build unix

package adminapi_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// TestEachBodyIsCheap sends the bodies that are costliest to check, and looks at the processor time that each takes. The
// limit is 100 ms on an idle machine; the test leaves a busy one, and the race detector, five times that.
func TestEachBodyIsCheap(t *testing.T) {
	if testing.Short() {
		t.Skip("looks at processor time")
	}
	w := newWorld(t, nil)
	grants := func(seed uint64, n int) map[string]any {
		all := map[string]any{}
		for i, pattern := range entangled(seed, n) {
			all[pattern] = i%3 > 0
		}
		return all
	}
	held := roles.Grants{admin.ManageAPI: true, admin.ManageRoles: true, admin.ManageUsers: true}
	for _, pattern := range entangled(1, 12) {
		held[pattern] = true
	}
	require.NoError(t, w.service.CreateRole(t.Context(), w.root(), roles.Role{AppID: "odd", Permissions: held}))
	odd := credential(w.custom(keys.Custom{Name: "odd", Role: "odd"}).Key.Reveal())
	user := credential(w.userKey("ada", keys.User{Scopes: entangled(3, 64)}).Key.Reveal())
	for _, who := range []credential{odd, user, root} {
		for name, do := range map[string]func() reply{
			"a role of 800 patterns": func() reply {
				return w.call(who, "POST", "/roles", map[string]any{"appid": "r1", "permissions": grants(4, 800)})
			},
			"a role of 14 patterns": func() reply {
				return w.call(who, "POST", "/roles", map[string]any{"appid": "r2", "permissions": grants(5, 14)})
			},
			"the public role": func() reply {
				return w.call(who, "PUT", "/public", map[string]any{"role": "odd", "token": "", "acknowledge": []string{}})
			},
			"a key of 64 scopes": func() reply {
				return w.call(who, "POST", "/keys", map[string]any{"name": "k", "role": "odd", "scopes": entangled(6, 64)})
			},
			"an own key of 64 scopes": func() reply { return w.call(who, "POST", "/me/key", map[string]any{"scopes": entangled(7, 64)}) },
			"the preview":             func() reply { return w.call(who, "GET", "/public/preview?role=odd", nil) },
			"why":                     func() reply { return w.call(who, "GET", "/explain?role=odd&permission="+entangled(8, 1)[0], nil) },
		} {
			before := processorTime()
			r := do()
			cost := processorTime() - before
			t.Logf("%-24s by %.8s: %d, %v", name, who, r.status, cost.Round(100*time.Microsecond))
			require.Less(t, cost, 500*time.Millisecond, fmt.Sprintf("%s: %s", name, r.text))
		}
	}
}

// processorTime is what this process has used so far.
func processorTime() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
