package admin_test

import (
	"context"
	"fmt"
	"log"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// Example creates a key as a manager of keys, who can't grant more access than she has.
func Example() {
	ctx := context.Background()
	rows := roles.NewMemoryStore(
		roles.Role{AppID: "editor", Permissions: roles.Grants{"content/**": true}},
		roles.Role{AppID: "keeper", Inherits: []string{"editor"}, Permissions: roles.Grants{admin.ManageAPI: true}})
	directory, err := roles.Open(ctx, roles.Config{Store: rows})
	if err != nil {
		log.Fatal(err)
	}
	defer directory.Close(ctx)
	ring := keys.NewRing(keys.NewMemoryStore())
	defer ring.Close(ctx)
	users := auth.UserMap{"ada": {Name: "Ada", Role: "keeper", Active: true}}
	guard, err := auth.New(auth.Config{Keys: ring, Roles: directory, Users: users})
	if err != nil {
		log.Fatal(err)
	}
	changes := audit.NewMemoryLog(0)
	service, err := admin.New(admin.Config{Keys: ring, Roles: directory, RoleStore: rows, Guard: guard, Audit: changes})
	if err != nil {
		log.Fatal(err)
	}

	ada, err := guard.PrincipalForUser(ctx, "ada")
	if err != nil {
		log.Fatal(err)
	}
	_, err = service.CreateKey(ctx, ada, keys.Custom{Name: "Website", Role: "editor"})
	fmt.Println("editor:", err)
	_, err = service.CreateKey(ctx, ada, keys.Custom{Name: "Mine", Role: roles.Admin})
	fmt.Println("admin:", err)

	records, err := changes.List(ctx, audit.Filter{})
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range records {
		fmt.Println(r.ActorName, r.Action, r.After["name"])
	}
	// Output:
	// editor: <nil>
	// admin: admin: not permitted: you can't grant more access than you have: **
	// Ada key.create Website
}
