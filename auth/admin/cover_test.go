package admin_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// universe are all permissions that can be asked for with these words, two and three segments deep, and those of
// management. "zz" stands for whatever no grant names.
var universe = func() []string {
	words := []string{"a", "b", "zz"}
	all := []string{admin.ManageAPI, admin.ManageRoles, admin.ManageUsers, admin.ReadLogs}
	for _, x := range words {
		all = append(all, x)
		for _, y := range words {
			all = append(all, x+"/"+y)
			for _, z := range words {
				all = append(all, x+"/"+y+"/"+z)
			}
		}
	}
	return all
}()

// allowed is what rights allow, by asking for each permission.
func allowed(policy *roles.Policy, rights roles.Rights) []string {
	var all []string
	for _, permission := range universe {
		scoped := len(rights.Scopes) == 0 || slices.ContainsFunc(rights.Scopes, func(s string) bool { return roles.Match(s, permission) })
		if scoped && policy.Allows(rights.Role, permission) {
			all = append(all, permission)
		}
	}
	return all
}

func subset(a, b []string) bool {
	return !slices.ContainsFunc(a, func(p string) bool { return !slices.Contains(b, p) })
}

// A draw makes random roles and keys out of few words, so that they overlap.
type draw struct{ *rand.Rand }

func (d draw) pattern() string {
	var segments []string
	for range 1 + d.IntN(3) {
		segments = append(segments, []string{"a", "b", "*"}[d.IntN(3)])
	}
	if d.IntN(3) == 0 {
		segments[len(segments)-1] = "**"
	}
	return strings.Join(segments, "/")
}

func (d draw) grants() roles.Grants {
	g := roles.Grants{}
	for range d.IntN(4) {
		g[d.pattern()] = d.IntN(4) > 0
	}
	return g
}

func (d draw) scopes() []string {
	var all []string
	for range d.IntN(3) {
		all = append(all, d.pattern())
	}
	return all
}

// manages are the permissions of management in full.
func manages(g roles.Grants) roles.Grants {
	for _, p := range []string{admin.ManageAPI, admin.ManageRoles, admin.ManageUsers} {
		g[p] = true
	}
	return g
}

// TestNoCallerGrantsMoreThanTheyHold has random callers do random things. By enumeration, no change gives access that its
// caller does not hold.
func TestNoCallerGrantsMoreThanTheyHold(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	d := draw{rand.New(rand.NewPCG(seed, 1))}
	done, refused := 0, 0
	for range 12 {
		w := newWorld(t, nil)
		appids := []string{"r0", "r1", "r2", "r3"}
		for i, appid := range appids {
			role := roles.Role{AppID: appid, Permissions: d.grants()}
			if i > 0 && d.IntN(2) == 0 {
				role.Inherits = []string{appids[d.IntN(i)]}
			}
			if i == 3 || d.IntN(2) == 0 {
				manages(role.Permissions)
			}
			require.NoError(t, w.roles.Save(t.Context(), role))
		}
		for range 40 {
			before := w.roles.Policy()
			maker := w.custom(keys.Custom{Role: appids[d.IntN(4)], Scopes: append(d.scopes(), admin.ManageAPI, admin.ManageRoles)})
			by := w.holder(maker)
			if d.IntN(2) == 0 {
				by = w.as(maker.Record.Role)
			}
			held := allowed(before, by.Rights())
			what, permission, given, err := d.deed(w, by, appids)
			if err == nil {
				done++
				if more := given(); !subset(more, held) {
					t.Fatalf("seed %d: %s with %v, who holds %v, gave %v", seed, what, by.Rights(), held, more)
				}
				if !slices.Contains(held, permission) {
					t.Fatalf("seed %d: %s without %s", seed, what, permission)
				}
				continue
			}
			refused++
		}
	}
	require.Greater(t, done, 40, "too little was done to prove anything")
	require.Greater(t, refused, 40, "too little was refused to prove anything")
}

// deed does one random thing. given returns, afterwards, the permissions that were added.
func (d draw) deed(w *world, by auth.Principal, appids []string) (what, permission string, given func() []string, err error) {
	ctx, t := w.t.Context(), w.t
	role, other := appids[d.IntN(4)], appids[d.IntN(4)]
	policy := w.roles.Policy()
	key := w.custom(keys.Custom{Role: role, Scopes: d.scopes()}).Record
	now := func(id string) roles.Rights {
		rec, err := w.ring.Get(ctx, id)
		require.NoError(t, err)
		return roles.Rights{Role: rec.Role, Scopes: rec.Scopes}
	}
	switch d.IntN(6) {
	case 0:
		k := keys.Custom{Role: role, Scopes: d.scopes()}
		issued, err := w.service.CreateKey(ctx, by, k)
		return fmt.Sprint("create ", k), admin.ManageAPI, func() []string { return allowed(policy, now(issued.Record.ID)) }, err
	case 1:
		_, err := w.service.RefreshKey(ctx, by, key.ID, "", keys.Renewal{})
		return fmt.Sprint("refresh ", key.Role, key.Scopes), admin.ManageAPI, func() []string { return allowed(policy, now(key.ID)) }, err
	case 2:
		scopes := d.scopes()
		_, err := w.service.UpdateKey(ctx, by, key.ID, "", func(s *keys.Settings) error {
			s.Role, s.Scopes = other, scopes
			return nil
		})
		return fmt.Sprint("update to ", other, scopes), admin.ManageAPI, func() []string { return allowed(policy, now(key.ID)) }, err
	case 3:
		require.NoError(t, w.ring.Disable(ctx, key.ID))
		_, err := w.service.SetKeyState(ctx, by, key.ID, "", keys.StateActive)
		return fmt.Sprint("enable ", key.Role, key.Scopes), admin.ManageAPI, func() []string { return allowed(policy, now(key.ID)) }, err
	case 4:
		err := w.open(by, role)
		_, _ = w.service.ClosePublic(ctx, w.root(), "")
		return "open with " + role, admin.ManageAPI, func() []string { return allowed(policy, roles.Rights{Role: role}) }, err
	}
	saved := roles.Role{AppID: role, Permissions: d.grants()}
	if d.IntN(2) == 0 && role != "r0" {
		saved.Inherits = []string{"r0"}
	}
	if was, _ := policy.Role(role); d.IntN(2) == 0 { // a small change of a stored role
		saved = was
		saved.Permissions[d.pattern()] = d.IntN(2) == 0
		for grant := range saved.Permissions {
			if d.IntN(4) == 0 {
				delete(saved.Permissions, grant)
			}
		}
	}
	err = w.service.UpdateRole(ctx, by, saved, admin.Confirmation{})
	return fmt.Sprint("save ", saved), admin.ManageRoles, func() []string {
		var gained []string
		for _, appid := range appids { // its heirs too
			before := allowed(policy, roles.Rights{Role: appid})
			for _, p := range allowed(w.roles.Policy(), roles.Rights{Role: appid}) {
				if !slices.Contains(before, p) {
					gained = append(gained, p)
				}
			}
		}
		return gained
	}, err
}
