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
	report := publicapi.Exposure(policy, "public", catalog, []auth.Route{{Pattern: "POST /comments", Permission: "content/comments/create"}})
	for _, p := range report.Permissions {
		fmt.Println(p.Permission, p.Effect)
	}
	for _, route := range report.Routes {
		fmt.Println("needs no key:", route.Pattern)
	}
	// Output:
	// publicapi: role "public" was not opened: it needs the token of its current preview, and the name of each permission that changes data: content/comments/create
	// <nil>
	// content/comments/create write
	// content/pages/read read
	// needs no key: POST /comments
}
