package adminapi_test

import (
	"context"
	"database/sql"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/auth/setup"
	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/roles"
)

// TestREADMEsWiringOpensThePublicAPI wires over a database as README does, and opens the public API with a role that only
// reads and with one that writes.
func TestREADMEsWiringOpensThePublicAPI(t *testing.T) {
	ctx := t.Context()
	catalog, err := roles.NewCatalog(roles.Group{Name: "Shop", Permissions: []roles.Entry{
		{Permission: "products/read", Label: "Read products", Effect: roles.EffectRead}, {Permission: "orders/create", Label: "Create orders"}}})
	require.NoError(t, err)
	users := users{auth.UserMap{"root": {ID: "root", Role: roles.Admin, Active: true}}}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "keys.db")+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })

	lk, err := setup.Open(ctx, setup.Config{DB: db, Dialect: sqlstore.SQLite, Users: users, Catalog: catalog, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, lk.Close(context.Background())) })

	status := func(permission string) int {
		answer := httptest.NewRecorder()
		lk.Guard.Require(permission, http.NotFoundHandler()).ServeHTTP(answer, httptest.NewRequest("GET", "/", nil))
		return answer.Code
	}
	by := lk.Guard.PrincipalForRole(roles.Admin)
	for _, role := range []roles.Role{{AppID: "public", Permissions: roles.Grants{"products/read": true}},
		{AppID: "shop", Inherits: []string{"public"}, Permissions: roles.Grants{"orders/create": true}}} {
		require.NoError(t, lk.Admin.CreateRole(ctx, by, role))
		preview, err := lk.Admin.PreviewPublic(ctx, by, role.AppID)
		require.NoError(t, err)
		require.Len(t, preview.Writes, len(role.Inherits)) // the second role has one
		_, err = lk.Admin.OpenPublic(ctx, by, role.AppID, admin.Confirmation{Token: preview.Token, Acknowledged: preview.Writes})
		require.NoError(t, err)
		require.Equal(t, 404, status("products/read"))
	}
	require.Equal(t, 404, status("orders/create"))
}
