package console_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/auth/admin/console"
	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// A host mounts the pages where it likes, and says who is signed in.
func Example() {
	ring := keys.NewRing(keys.NewMemoryStore())
	ctx := context.Background()
	defer ring.Close(ctx)
	rows := roles.NewMemoryStore(roles.Role{AppID: "editor", Permissions: roles.Grants{"content/**": true}})
	directory, err := roles.Open(ctx, roles.Config{Store: rows})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer directory.Close(ctx)
	guard, err := auth.New(auth.Config{
		Keys: ring, Roles: directory, Users: auth.UserMap{"ada": {ID: "ada", Role: "editor", Active: true}},
		SignedIn: func(r *http.Request) (string, error) { // the host's session; here a cookie that is believed
			c, err := r.Cookie("user")
			if err != nil {
				return "", nil
			}
			return c.Value, nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	service, err := admin.New(admin.Config{Keys: ring, Guard: guard, Roles: directory, RoleStore: rows, Audit: audit.NewMemoryLog(0)})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/system/", http.StripPrefix("/system", console.Handler(service, console.Config{SignIn: "/login"})))

	ask := func(user, method, path string) *http.Response {
		r := httptest.NewRequest(method, path, strings.NewReader(url.Values{"do": {"create"}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if user != "" {
			r.AddCookie(&http.Cookie{Name: "user", Value: user})
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		return w.Result()
	}
	stranger := ask("", "GET", "/system/users/user")
	fmt.Println("no sign-in:", stranger.StatusCode, stranger.Header.Get("Location"))
	fmt.Println("her key:", ask("ada", "POST", "/system/users/user").StatusCode)
	fmt.Println("roles:", ask("ada", "GET", "/system/users/roles").StatusCode)
	// Output:
	// no sign-in: 303 /login?next=%2Fsystem%2Fusers%2Fuser
	// her key: 200
	// roles: 403
}
