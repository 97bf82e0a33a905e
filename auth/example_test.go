package auth_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

func Example() {
	ctx := context.Background()
	policy := roles.MustCompile(
		roles.Role{AppID: "public", Name: "Public API", Permissions: roles.Grants{"content/pages/read": true}},
		roles.Role{AppID: "editor", Name: "Editor", Permissions: roles.Grants{"content/**": true}},
	)
	ring := keys.NewRing(keys.NewMemoryStore())
	defer ring.Close(ctx)
	issued, err := ring.IssueCustom(ctx, keys.Custom{Name: "Website build", Role: "editor"})
	if err != nil {
		panic(err)
	}
	guard, err := auth.New(auth.Config{Keys: ring, Roles: policy, Anonymous: publicapi.Fixed("public")})
	if err != nil {
		panic(err)
	}
	ok := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	mux := http.NewServeMux()
	guard.Handle(mux, "GET /api/pages/menus", "content/pages/read", ok)
	guard.Handle(mux, "POST /api/content/{model}", "content/{model}/create", ok)
	server := guard.Identify(mux)

	try := func(what, method, path, key string) {
		r := httptest.NewRequest(method, path, nil)
		if key != "" {
			r.Header.Set("api-key", key)
		}
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		fmt.Printf("%s: %d\n", what, w.Code)
	}
	try("read without a key", "GET", "/api/pages/menus", "")
	try("write without a key", "POST", "/api/content/posts", "")
	try("write with a key", "POST", "/api/content/posts", issued.Key.Reveal())
	try("read with a wrong key", "GET", "/api/pages/menus", "API-wrong")
	// Output:
	// read without a key: 200
	// write without a key: 401
	// write with a key: 200
	// read with a wrong key: 401
}

// Inside a handler, PrincipalFrom says who asks and Allowed asks for more.
func ExampleAllowed() {
	guard, err := auth.New(auth.Config{
		Keys:  keys.NewRing(keys.NewMemoryStore()),
		Roles: roles.MustCompile(roles.Role{AppID: "author", Permissions: roles.Grants{"content/posts/create": true}}),
	})
	if err != nil {
		panic(err)
	}
	ctx := auth.NewContext(context.Background(), guard.PrincipalForRole("author"))

	fmt.Println(auth.Allowed(ctx, "content/posts/create"))
	fmt.Println(auth.Allowed(ctx, "content/posts/publish"))
	// Output:
	// <nil>
	// Permission denied
}
