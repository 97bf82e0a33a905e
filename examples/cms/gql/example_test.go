package gql_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"net/http/httptest"
	"net/url"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/examples/cms/access"
	"github.com/latchkey-go/latchkey/examples/cms/content"
	"github.com/latchkey-go/latchkey/examples/cms/gql"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// Two models, one of them public.
func Example() {
	ctx := context.Background()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, content.Schema(sqlstore.SQLite)); err != nil {
		log.Fatal(err)
	}
	store := content.New(db)
	for _, name := range []string{"posts", "secret"} {
		m := content.Model{Name: name, Type: content.Collection, Fields: []content.Field{{Name: "title", Type: "text"}}}
		if _, err := store.AddModel(ctx, m); err != nil {
			log.Fatal(err)
		}
		if _, err := store.Create(ctx, m, content.Item{"title": "One of " + name}, content.Writer{}); err != nil {
			log.Fatal(err)
		}
	}
	ring := keys.NewRing(keys.NewMemoryStore())
	defer ring.Close(ctx)
	policy := roles.MustCompile(roles.Role{AppID: "public", Permissions: roles.Grants{"content/posts/read": true}})
	guard, err := auth.New(auth.Config{Keys: ring, Roles: policy, Anonymous: publicapi.Fixed("public")})
	if err != nil {
		log.Fatal(err)
	}
	for _, likeCockpit := range []bool{false, true} {
		site := guard.Handler(gql.Handler(gql.Config{Guard: guard, Content: access.New(store), LikeCockpit: likeCockpit}))
		for _, query := range []string{`{ postsModel { title } }`, `{ secretModel { title } }`} {
			w := httptest.NewRecorder()
			site.ServeHTTP(w, httptest.NewRequest("GET", "/api/gql?query="+url.QueryEscape(query), nil))
			fmt.Print(w.Code, " ", w.Body)
		}
	}
	// Output:
	// 200 {"data":{"postsModel":[{"title":"One of posts"}]}}
	// 401 {"errors":[{"message":"Authentication failed","path":["secretModel"],"extensions":{"code":"UNAUTHENTICATED"}}],"data":{"secretModel":null}}
	// 200 {"data":{"postsModel":[{"title":"One of posts"}]}}
	// 412 {"data":{"secretModel":[]}}
}
