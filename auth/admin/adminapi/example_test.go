package adminapi_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/auth/admin/adminapi"
	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// Example mounts the JSON API, and shows that a manager of keys grants no more than she holds.
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
	guard, err := auth.New(auth.Config{Keys: ring, Roles: directory})
	if err != nil {
		log.Fatal(err)
	}
	changes := audit.NewMemoryLog(0)
	service, err := admin.New(admin.Config{Keys: ring, Roles: directory, RoleStore: rows, Guard: guard, Audit: changes})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/admin/", http.StripPrefix("/admin", adminapi.Handler(service)))

	first, err := ring.IssueCustom(ctx, keys.Custom{Name: "Operations", Role: "keeper"})
	if err != nil {
		log.Fatal(err)
	}
	for _, body := range []string{`{"name":"Website","role":"editor"}`, `{"name":"Mine","role":"admin"}`} {
		r := httptest.NewRequest("POST", "/admin/keys", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("api-key", first.Key.Reveal())
		answer := httptest.NewRecorder()
		mux.ServeHTTP(answer, r)
		fmt.Println(body, answer.Code)
	}
	done, err := changes.List(ctx, audit.Filter{})
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range done {
		fmt.Println(r.Action, r.After["name"])
	}
	// Output:
	// {"name":"Website","role":"editor"} 201
	// {"name":"Mine","role":"admin"} 403
	// key.create Website
}
