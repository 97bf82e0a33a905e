package auth_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// A handler that writes events ends when its caller's key does.
func ExampleFollow() {
	ring := keys.NewRing(keys.NewMemoryStore())
	guard, err := auth.New(auth.Config{
		Keys:      ring,
		Roles:     roles.MustCompile(roles.Role{AppID: "reader", Permissions: roles.Grants{"news/read": true}}),
		Anonymous: publicapi.Fixed("reader"),
	})
	if err != nil {
		panic(err)
	}
	issued, err := ring.IssueCustom(context.Background(), keys.Custom{Name: "Ticker", Role: "reader"})
	if err != nil {
		panic(err)
	}
	news := make(chan string)
	stream := guard.Require("news/read", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, stop := auth.Follow(r.Context())
		defer stop()
		for {
			select {
			case <-ctx.Done():
				fmt.Println("ended:", context.Cause(ctx))
				return
			case text := <-news:
				if auth.Allowed(ctx, "news/read") != nil {
					return
				}
				fmt.Println("data:", text)
			}
		}
	}))

	go func() {
		news <- "good morning"
		_ = ring.Invalidate(context.Background(), issued.Record.ID)
	}()
	serve(stream, request("/news", "api-key", issued.Key.Reveal()))
	// Output:
	// data: good morning
	// ended: Authentication failed
}
