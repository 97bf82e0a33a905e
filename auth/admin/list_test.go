package admin_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

func TestListsAndSearch(t *testing.T) {
	w := newWorld(t, nil)
	ctx, by := t.Context(), w.root()
	for i := range 7 {
		w.custom(keys.Custom{Name: fmt.Sprintf("Site %d", i), Role: []string{"editor", "viewer"}[i%2]})
	}
	var next string
	list := func(f keys.Filter, text string) (names []string) {
		page, after, err := w.service.Keys(ctx, by, f, text)
		require.NoError(t, err)
		next = after
		for _, rec := range page {
			names = append(names, rec.Name)
		}
		return names
	}
	require.Equal(t, []string{"Site 0", "Site 1", "Site 2"}, list(keys.Filter{Limit: 3}, ""))
	require.Equal(t, []string{"Site 3", "Site 4", "Site 5"}, list(keys.Filter{Limit: 3, After: next}, ""))
	require.Equal(t, []string{"Site 6"}, list(keys.Filter{Limit: 3, After: next}, ""))
	require.Empty(t, next)
	require.Len(t, list(keys.Filter{Limit: 7}, ""), 7)
	require.Equal(t, []string{"Site 6"}, list(keys.Filter{Limit: 1}, "site 6"))
	require.Empty(t, next, "it is the last record")
	require.Empty(t, list(keys.Filter{Limit: 7, After: next}, "x"))
	require.Equal(t, []string{"Site 4"}, list(keys.Filter{}, "sITE 4"))
	require.Equal(t, []string{"Site 1", "Site 3"}, list(keys.Filter{Role: "viewer", Limit: 2}, "site"))
	require.NotEmpty(t, next)
	require.Equal(t, []string{"Site 5"}, list(keys.Filter{Role: "viewer", Limit: 2, After: next}, "site"))
	require.Empty(t, next)
	require.Len(t, list(keys.Filter{State: keys.StateActive, Limit: 5000}, ""), 7)
	require.Empty(t, list(keys.Filter{State: keys.StateExpired}, ""))
	require.Empty(t, list(keys.Filter{Kind: keys.KindUser}, ""))
	own := w.userKey("ada", keys.User{Name: "Laptop"}).Record
	for _, text := range []string{"laptop", own.Hint, own.ID, "ADA"} {
		require.Equal(t, []string{"Laptop"}, list(keys.Filter{Kind: keys.KindUser}, text))
	}

	users, after, err := w.service.Users(ctx, by, admin.UserFilter{Limit: 2})
	require.NoError(t, err)
	require.Len(t, users, 2)
	require.Equal(t, "bob", after)
	users, after, err = w.service.Users(ctx, by, admin.UserFilter{After: after})
	require.NoError(t, err)
	require.Equal(t, "gone", users[0].ID)
	require.Empty(t, after)
	bare := newWorld(t, nil, func(c *admin.Config) { c.Users = nil })
	_, _, err = bare.service.Users(ctx, bare.root(), admin.UserFilter{})
	require.ErrorIs(t, err, admin.ErrNotFound)
}

// TestASearchReadsSoMuch reads at most ten thousand records for one page.
func TestASearchReadsSoMuch(t *testing.T) {
	reads := 0
	w := newWorld(t, func(s keys.Store) keys.Store { return endless{s, &reads} })
	page, next, err := w.service.Keys(t.Context(), w.root(), keys.Filter{}, "rare")
	require.NoError(t, err)
	require.Empty(t, page)
	require.Equal(t, "10000", next)
	require.Equal(t, 10, reads)
}

// An endless store lists records without end.
type endless struct {
	keys.Store
	reads *int
}

func (e endless) List(_ context.Context, _ string, f keys.Filter) (page []keys.Record, _ error) {
	*e.reads++
	after, _ := strconv.Atoi(f.After)
	for range f.Limit {
		after++
		page = append(page, keys.Record{ID: strconv.Itoa(after), Kind: keys.KindCustom})
	}
	return page, nil
}

func TestAuditLists(t *testing.T) {
	w := newWorld(t, nil)
	ctx := t.Context()
	issued, err := w.service.CreateKey(ctx, w.root(), keys.Custom{Name: "a"})
	require.NoError(t, err)
	_, err = w.service.CreateUserKey(ctx, w.user("ada"), "ada", keys.User{})
	require.NoError(t, err)
	_, err = w.ring.In("other").IssueCustom(ctx, keys.Custom{})
	require.NoError(t, err)
	r, err := audit.Stamp(audit.Record{Actor: "x", Action: "key.create", Space: "other"})
	require.NoError(t, err)
	require.NoError(t, w.log.Append(ctx, r))
	all, err := w.service.Audit(ctx, w.root(), audit.Filter{Space: "other"})
	require.NoError(t, err)
	require.Len(t, all, 2, "of this space, whatever the filter says")
	all, err = w.service.Audit(ctx, w.root(), audit.Filter{Object: issued.Record.ID})
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Equal(t, "key.create", all[0].Action)
}

func TestMatrix(t *testing.T) {
	w := newWorld(t, nil)
	appids, permissions, routes, err := w.service.Matrix(t.Context(), w.root())
	require.NoError(t, err)
	require.Equal(t, []string{"editor", "keeper", "rolemaker", "viewer", "warden"}, appids)
	access := map[string]string{}
	for _, row := range append(permissions, routes...) {
		access[row.Pattern+" "+row.Permission] = fmt.Sprint(row.Access)
	}
	require.Equal(t, "[all all all all all]", access[" content/posts/read"])
	require.Equal(t, "[none none none none none]", access[" content/pages/read"])
	require.Equal(t, "[some some some none some]", access["POST /api/content/{model} content/{model}/create"])
	require.Equal(t, "[all all all all all]", access["GET /healthz "])
	require.Equal(t, admin.Row{Group: "Content", Label: "Create posts", Permission: "content/posts/create", Effect: roles.EffectWrite,
		Access: permissions[3].Access}, permissions[3])
	groups, err := w.service.Permissions(t.Context(), w.root())
	require.NoError(t, err)
	require.Equal(t, "content/pages/read", groups[0].Permissions[0].Permission, "templates are spelt out")
}

// TestAPatternIsExplainedAsOne asks for patterns, of which a role allows all, a part or nothing.
func TestAPatternIsExplainedAsOne(t *testing.T) {
	w := newWorld(t, nil)
	for _, role := range []roles.Role{
		{AppID: "base", Permissions: roles.Grants{"content/*/read": true, "content/secret/read": false}},
		{AppID: "chief", Inherits: []string{"base"}, Permissions: roles.Grants{"content/**": true}},
		{AppID: "open", Permissions: roles.Grants{"content/**": true, "content/posts/read": true}},
		{AppID: "union", Permissions: roles.Grants{"a/*": true, "a/*/**": true}},
		{AppID: "taken", Permissions: roles.Grants{"b/x": true, "b/*": false, "c/y": false}},
	} {
		require.NoError(t, w.roles.Save(t.Context(), role))
	}
	for _, c := range []struct {
		role, asked string
		access      admin.Access
		reason      roles.Reason
		by          string
	}{
		{"open", "content/**", "all", "granted", `content/** of open`},
		{"open", "content/posts/read", "all", "granted", `content/posts/read of open`},
		{"open", "**", "some", "granted", `content/** of open, content/posts/read of open`},
		{"chief", "content/**", "some", "granted", `content/** of chief, content/*/read of base, not content/secret/read of base`},
		{"chief", "content/*/create", "all", "granted", `content/** of chief`},
		{"chief", "content/secret/read", "none", "denied", `not content/secret/read of base`},
		{"chief", "app/*", "none", "not_granted", `not  of chief`},
		{"union", "a/**", "all", "granted", `a/* of union, a/*/** of union`},
		{"taken", "b/*", "none", "denied", `not b/* of taken`},
		{"taken", "*/x", "none", "denied", `not b/* of taken, b/x of taken`},
		{"taken", "c/*", "none", "not_granted", `not  of taken`},
		{"admin", "**", "all", "admin", ` of admin`},
		{"ghost", "**", "none", "no_role", `not  of ghost`},
		{"open", "content/**/read", "none", "malformed_permission", `not  of open`},
	} {
		decisions, access, err := w.service.Explain(t.Context(), w.root(), c.role, c.asked)
		require.NoError(t, err)
		var by []string
		for _, d := range decisions {
			by = append(by, map[bool]string{false: "not "}[d.Allowed]+d.Grant+" of "+d.Role)
		}
		require.Equal(t, []any{c.access, c.reason, c.by}, []any{access, decisions[0].Reason, strings.Join(by, ", ")}, c.role+" "+c.asked)
	}
}
