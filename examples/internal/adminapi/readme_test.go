package adminapi_test

import (
	"context"
	"database/sql"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// TestREADMEsWiringOpensThePublicAPI builds README's wiring over a database, and opens the public API with a role
// that only reads and with one that writes.
func TestREADMEsWiringOpensThePublicAPI(t *testing.T) {
	ctx := t.Context()
	catalog, err := roles.NewCatalog(roles.Group{Name: "Shop", Permissions: []roles.Entry{
		{Permission: "products/read", Label: "Read products", Effect: roles.EffectRead}, {Permission: "orders/create", Label: "Create orders"}}})
	require.NoError(t, err)
	users := users{auth.UserMap{"root": {ID: "root", Role: roles.Admin, Active: true}}}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "keys.db")+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.NoError(t, sqlstore.Migrate(ctx, db, sqlstore.SQLite))

	// wiring begins
	store, err := sqlstore.Open(ctx, db, sqlstore.SQLite)
	require.NoError(t, err)
	ring, err := keys.Open(keys.Config{Store: store.Keys(), LastUsed: store.Keys(), Feed: store.Keys()})
	require.NoError(t, err)
	directory, err := roles.Open(ctx, roles.Config{Store: store.Roles()})
	require.NoError(t, err)
	public, err := publicapi.New(publicapi.Config{Store: store.PublicAPI(), Directory: directory, Catalog: catalog})
	require.NoError(t, err)
	guard, err := auth.New(auth.Config{Keys: ring, Roles: directory, Anonymous: public, Users: users})
	require.NoError(t, err)
	service, err := admin.New(admin.Config{
		Keys: ring, Roles: directory, RoleStore: store.Roles(), Public: public, Users: users, Guard: guard,
		Audit: store.Audit(), InTx: store.InTx,
	})
	require.NoError(t, err)
	// wiring ends
	for _, part := range []interface{ Close(context.Context) error }{ring, directory, public} {
		t.Cleanup(func() { require.NoError(t, part.Close(context.Background())) })
	}

	status := func(permission string) int {
		answer := httptest.NewRecorder()
		guard.Require(permission, http.NotFoundHandler()).ServeHTTP(answer, httptest.NewRequest("GET", "/", nil))
		return answer.Code
	}
	by := guard.PrincipalForRole(roles.Admin)
	for _, role := range []roles.Role{{AppID: "public", Permissions: roles.Grants{"products/read": true}},
		{AppID: "shop", Inherits: []string{"public"}, Permissions: roles.Grants{"orders/create": true}}} {
		require.NoError(t, service.CreateRole(ctx, by, role))
		preview, err := service.PreviewPublic(ctx, by, role.AppID)
		require.NoError(t, err)
		require.Len(t, preview.Writes, len(role.Inherits)) // the second role has one
		_, err = service.OpenPublic(ctx, by, role.AppID, admin.Confirmation{Token: preview.Token, Acknowledged: preview.Writes})
		require.NoError(t, err)
		require.Equal(t, 404, status("products/read"))
	}
	require.Equal(t, 404, status("orders/create"))

	// The lines above equal README's.
	readme, err := os.ReadFile("../../../README.md")
	require.NoError(t, err)
	source, err := os.ReadFile("readme_test.go")
	require.NoError(t, err)
	_, wiring, _ := strings.Cut(string(source), "// wiring begins\n")
	wiring, _, _ = strings.Cut(wiring, "// wiring ends")
	for _, line := range strings.Split(wiring, "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "require.") && !strings.HasPrefix(line, "guard, ") {
			require.Contains(t, string(readme), line)
		}
	}
}
