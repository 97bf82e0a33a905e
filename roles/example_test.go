package roles_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/latchkey-go/latchkey/roles"
)

func Example() {
	policy, err := roles.Compile(
		roles.Role{AppID: "reader", Name: "Reader", Permissions: roles.Grants{"content/*/read": true}},
		roles.Role{AppID: "editor", Name: "Editor", Inherits: []string{"reader"}, Permissions: roles.Grants{
			"content/posts/**":      true,
			"content/posts/publish": false,
		}},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, permission := range []string{"content/pages/read", "content/posts/update", "content/posts/publish", "content/*/read"} {
		fmt.Println(permission, policy.Allows("editor", permission))
	}
	fmt.Println(policy.Explain("editor", "content/pages/read"))
	fmt.Println(policy.Covers(roles.Rights{Role: "editor"}, roles.Rights{Role: "reader"}))
	// Output:
	// content/pages/read true
	// content/posts/update true
	// content/posts/publish false
	// content/*/read false
	// allowed: role "reader" grants "content/*/read"
	// true
}

func ExampleCompile_mistakes() {
	_, err := roles.Compile(
		roles.Role{AppID: "editor", Permissions: roles.Grants{"content//read": true}},
		roles.Role{AppID: "Admin"},
		roles.Role{AppID: "guest", Inherits: []string{"visitor"}},
	)
	fmt.Println(err)
	// Output:
	// roles: role "Admin": has a reserved appid
	// roles: role "editor", grant "content//read": is not a permission or a pattern of permissions
	// roles: role "guest": inherits from "visitor", which is no role
}

func ExampleRole_cockpit() {
	var role roles.Role
	err := json.Unmarshal([]byte(`{"appid":"author","name":"Author","permissions":{"content/posts/read":"1"}}`), &role)
	fmt.Println(err)
	err = json.Unmarshal([]byte(`{"appid":"empty","name":"Empty","permissions":[],"_id":"65f0c0ffee"}`), &role)
	fmt.Println(role.AppID, len(role.Permissions), err)
	// Output:
	// roles: grant "content/posts/read" is neither true nor false
	// empty 0 <nil>
}

func ExampleDirectory() {
	ctx := context.Background()
	directory, err := roles.Open(ctx, roles.Config{Store: roles.NewMemoryStore(
		roles.Role{AppID: "editor", Permissions: roles.Grants{"content/posts/read": true}},
	)})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer directory.Close(ctx)

	fmt.Println(directory.Policy().Allows("editor", "content/posts/update"))
	err = directory.Save(ctx, roles.Role{AppID: "editor", Permissions: roles.Grants{"content/posts/*": true}})
	fmt.Println(directory.Policy().Allows("editor", "content/posts/update"), err)

	err = directory.Save(ctx, roles.Role{AppID: "editor", Inherits: []string{"editor"}})
	fmt.Println(err)
	// Output:
	// false
	// true <nil>
	// roles: role "editor": inherits from itself: "editor" from "editor"
}

func ExampleCatalog_Unknown() {
	catalog, err := roles.NewCatalog(roles.Group{Name: "Content", Permissions: []roles.Entry{
		{Permission: "content/{model}/read", Label: "Read {model}", Effect: roles.EffectRead},
		{Permission: "content/{model}/create", Label: "Create {model}"},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(catalog.Unknown(roles.Role{Permissions: roles.Grants{"content/posts/raed": true}}))
	// Output:
	// [content/posts/raed]
}

// One operation compares several roles under one budget.
func ExamplePolicy_Within() {
	policy := roles.MustCompile(
		roles.Role{AppID: "manager", Permissions: roles.Grants{"app/roles/manage": true, "content/**": true}},
		roles.Role{AppID: "editor", Permissions: roles.Grants{"content/*/read": true}},
	)
	budget := &roles.Budget{Steps: 100_000}
	policy = policy.Within(context.Background(), budget)
	next, err := policy.With(roles.Role{AppID: "editor", Permissions: roles.Grants{"content/**": true, "app/logs": true}})
	if err != nil { // a mistake in the role, or the budget's error
		fmt.Println(err)
		return
	}
	missing, err := policy.Missing(roles.Rights{Role: "manager"}, next, roles.Rights{Role: "editor"})
	fmt.Println(missing, err)
	// Output: [app/logs] <nil>
}
