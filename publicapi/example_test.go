package publicapi_test

import (
	"context"
	"fmt"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// To open the public API with a role that can change data, confirm its preview.
func Example() {
	ctx := context.Background()
	policy := roles.MustCompile(roles.Role{AppID: "public", Permissions: roles.Grants{
		"content/pages/read":      true,
		"content/comments/create": true,
	}})
	catalog, _ := roles.NewCatalog(roles.Group{Name: "Content", Permissions: []roles.Entry{
		{Permission: "content/{model}/read", Label: "Read", Effect: roles.EffectRead},
		{Permission: "content/{model}/create", Label: "Create", Effect: roles.EffectWrite},
	}})
	service, _ := publicapi.New(publicapi.Config{Store: publicapi.NewMemoryStore(), Roles: policy, Catalog: catalog})

	preview, _ := service.Preview(ctx, "public")
	opening := publicapi.Opening{Role: "public", By: "ada", Token: preview.Token}
	fmt.Println(service.Set(ctx, opening))
	opening.Acknowledged = preview.Writes // after a person has read the list
	fmt.Println(service.Set(ctx, opening))
	fmt.Print(publicapi.Exposure(policy, "public", catalog, []auth.Route{{Pattern: "POST /comments", Permission: "content/comments/create"}}))
	// Output:
	// publicapi: role "public" was not opened: it needs the token of its current preview, and the name of each permission that changes data: content/comments/create
	// <nil>
	// Callers without a key have the role public.
	//   MAY CHANGE: Create (content/comments/create)
	//   may Read (content/pages/read)
	// Grants
	//   content/comments/create: allowed
	//   content/pages/read: allowed
	// Routes that need no key
	//   POST /comments (content/comments/create)
	// Routes that were not registered with the guard are not listed.
}
