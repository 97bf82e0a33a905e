// Package testschema is a gqlgen project for the tests of package graphqlauth: one type or field for each way in
// which something can be guarded. Its resolvers answer with fixed values and count how often they ran.
package testschema

import (
	"context"
	"fmt"
	"sync/atomic"
)

//go:generate go run github.com/99designs/gqlgen generate

// A Root resolves everything. Ran counts the root fields that it resolved.
type Root struct{ Ran atomic.Int64 }

func (r *Root) Mutation() MutationResolver         { return mutations{r} }
func (r *Root) Query() QueryResolver               { return queries{r} }
func (r *Root) Subscription() SubscriptionResolver { return subscriptions{r} }

func ran[T any](r *Root, value T) (T, error) {
	r.Ran.Add(1)
	return value, nil
}

func text(format string, args ...any) *string {
	s := fmt.Sprintf(format, args...)
	return &s
}

var (
	post   = &Post{ID: "post", Title: text("a title"), Body: text("a body"), Draft: text("TOP SECRET draft")}
	secret = &Secret{ID: "TOP SECRET id", Title: text("TOP SECRET title")}
	tag    = &Tag{ID: "tag"}
)

type queries struct{ *Root }

func (r queries) Public(context.Context) (*string, error)      { return ran(r.Root, text("public")) }
func (r queries) Mine(context.Context) (*string, error)        { return ran(r.Root, text("mine")) }
func (r queries) Secret(context.Context) (*Secret, error)      { return ran(r.Root, secret) }
func (r queries) Secrets(context.Context) ([]*Secret, error)   { return ran(r.Root, []*Secret{secret}) }
func (r queries) Must(context.Context) (*Secret, error)        { return ran(r.Root, secret) }
func (r queries) Posts(context.Context, *int) ([]*Post, error) { return ran(r.Root, []*Post{post}) }
func (r queries) Nodes(context.Context) ([]Node, error) {
	return ran(r.Root, []Node{tag, post, secret})
}
func (r queries) Search(context.Context) ([]Found, error) {
	return ran(r.Root, []Found{tag, post, secret})
}
func (r queries) Scoped(context.Context) (*string, error) { return ran(r.Root, text("scoped")) }
func (r queries) Known(context.Context) (*string, error)  { return ran(r.Root, text("known")) }
func (r queries) Staff(context.Context) (*string, error)  { return ran(r.Root, text("staff")) }
func (r queries) Self(context.Context) (*Query, error)    { return ran(r.Root, &Query{}) }
func (r queries) ByID(_ context.Context, m *string) (*string, error) {
	return ran(r.Root, text("of %v", *m))
}
func (r queries) ByEnum(_ context.Context, m *Model) (*string, error) {
	return ran(r.Root, text("of %v", *m))
}

func (r queries) Node(_ context.Context, id string) (Node, error) {
	switch id {
	case "post":
		return ran[Node](r.Root, post)
	case "secret":
		return ran[Node](r.Root, secret)
	}
	return ran[Node](r.Root, tag)
}

func (r queries) Titled(context.Context) ([]Titled, error) {
	return ran(r.Root, []Titled{&Page{Title: text("TOP SECRET page")}, &Note{Title: text("TOP SECRET note")}})
}

func (r queries) Page(context.Context) (*Page, error) {
	return ran(r.Root, &Page{Title: text("TOP SECRET page"), Author: &User{}})
}

func (r queries) Users(_ context.Context, n *int) ([]*User, error) {
	users := make([]*User, *n)
	for i := range users {
		users[i] = &User{ID: fmt.Sprint(i), Email: text("TOP SECRET %d@example.org", i), Phone: fmt.Sprint("TOP SECRET ", i), Diary: text("diary of %d", i)}
	}
	return ran(r.Root, users)
}

func (r queries) Echo(_ context.Context, said *string, admin *bool) (*string, error) {
	return ran(r.Root, text("%v %v", said != nil, admin != nil && *admin))
}

func (r queries) Filter(_ context.Context, by *Filter, many []*Filter) (*string, error) {
	return ran(r.Root, text("%v %d", by != nil, len(many)))
}

func (r queries) Defaulted(_ context.Context, by *Defaulted, also *Filter) (*string, error) {
	return ran(r.Root, text("%v %v", by != nil, also != nil && *also.Admin))
}

func (r queries) Content(_ context.Context, model *string) (*string, error) {
	if model == nil {
		return ran(r.Root, text("of nothing"))
	}
	return ran(r.Root, text("of %s", *model))
}

type mutations struct{ *Root }

func (r mutations) Save(context.Context, *string) (Node, error) { return ran[Node](r.Root, secret) }
func (r mutations) Drop(context.Context) (*string, error)       { return ran(r.Root, text("dropped")) }

type subscriptions struct{ *Root }

func (r subscriptions) Ticks(context.Context) (<-chan *Post, error) {
	c := make(chan *Post, 1)
	c <- post
	close(c)
	return ran[<-chan *Post](r.Root, c)
}
