package publicapi_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// Opening the public API with a role that can change data takes more than its name.
func Example() {
	ctx := context.Background()
	policy := roles.MustCompile(roles.Role{AppID: "public", Permissions: roles.Grants{
		"content/pages/read":      true,
		"content/comments/create": true,
	}})
	catalog, _ := roles.NewCatalog(roles.Group{Name: "Content", Permissions: []roles.Entry{
		{Permission: "content/{model}/read", Label: "Read", Effect: roles.Read},
		{Permission: "content/{model}/create", Label: "Create", Effect: roles.Write},
	}})
	service, _ := publicapi.New(publicapi.Config{Store: publicapi.NewMemoryStore(), Roles: policy, Catalog: catalog})

	err := service.Set(ctx, "public", "ada")
	fmt.Println(err)
	var unacknowledged *publicapi.UnacknowledgedError
	if errors.As(err, &unacknowledged) {
		err = service.Set(ctx, "public", "ada", unacknowledged.Writes...) // after somebody has read the list
	}
	fmt.Println(err)
	fmt.Print(publicapi.Exposure(policy, "public", catalog, []auth.Route{{Pattern: "POST /comments", Permission: "content/comments/create"}}))
	// Output:
	// publicapi: role "public" lets everybody do content/{model}/create: each has to be acknowledged
	// <nil>
	// Everybody has the role public.
	// Content
	//   may Read (content/{model}/read), not for all
	//   MAY CHANGE: Create (content/{model}/create), not for all
	// To the letter
	//   content/comments/create: allowed
	//   content/pages/read: allowed
	// Routes that need no key
	//   POST /comments (content/comments/create)
	// Routes that were registered otherwise than with Handle or Open are not known here.
}
