// Package setup makes a whole installation from one [Config]: stores, caches, live roles, the live public API setting, the
// guard, the management operations, the audit log, the JSON API and the console.
//
//	lk, err := setup.Open(ctx, setup.Config{DB: db, Dialect: sqlstore.SQLite, Users: users, Catalog: catalog, SignedIn: sessions.User})
//	defer lk.Close(ctx)
//	lk.Guard.Handle(mux, "GET /api/pages/menus", "content/pages/read", menus)
//	lk.MountAPI(mux, "/admin")
//	lk.MountConsole(mux, "/system", console.Config{SignIn: "/login"})
//
// With a database everything is kept there, and several nodes can share it: a change acts on the node that made it at once,
// and on the others within [Config.Staleness]. Without one everything is in memory and ends with the program.
//
// What [Open] fills in cannot be set a second time, and it returns all mistakes of a Config at once. Each part that it
// wires can also be used without this package; see [keys.Open], [roles.Open], [publicapi.New], [auth.New] and [admin.New].
//
// # First start
//
// A new database has no roles, no keys and a closed public API. [Start] fills these once. The first key may be made before:
//
//	key=API-$(openssl rand -hex 16)
//	key=$key$(printf %s "$key" | gzip -c | tail -c 8 | od -An -v -N 4 -t u1 | awk '{printf "%02x%02x%02x%02x", $4, $3, $2, $1}')
//
// When the host changes or removes a user, it calls [Installation.UserChanged] or [Installation.UserRemoved].
package setup
