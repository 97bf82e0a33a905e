// Package blog keeps the posts of the example in memory. It knows no keys and no roles: the schema says which
// permissions a field needs.
package blog

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/latchkey-go/latchkey/examples/gqlgen/graph/model"
)

// ErrNotFound means that nothing has this ID.
var ErrNotFound = errors.New("not found")

// keep is how many posts a blog holds; the oldest are dropped first. Each caller with a key that writes can fill it.
const keep = 1000

// A Blog is a few authors, their posts, and one secret. It may be used concurrently.
type Blog struct {
	authors []*model.Author
	secret  *model.Secret

	mu      sync.Mutex
	posts   []*model.Post // oldest first; a post is replaced, never changed
	last    int
	readers map[chan *model.Post]struct{}
}

// New returns a blog with sample content.
func New() *Blog {
	email := func(s string) *string { return &s }
	b := &Blog{
		authors: []*model.Author{
			{ID: "author-1", Name: "Ada", Email: email("ada@example.org")},
			{ID: "author-2", Name: "Grace", Email: email("grace@example.org")},
		},
		secret:  &model.Secret{ID: "secret-1", Title: "Where the secret key hangs"},
		readers: map[chan *model.Post]struct{}{},
	}
	b.Add(model.NewPost{Title: "Keys and locks", Body: "A key opens what its role opens.", Tags: []*model.NewTag{{Name: "basics"}}})
	b.Add(model.NewPost{Title: "Public, on purpose", Body: "Nothing is open that does not say so.", Tags: []*model.NewTag{{Name: "basics"}, {Name: "public"}}})
	b.Add(model.NewPost{Title: "Not ready yet", Body: "A draft.", Draft: true})
	return b
}

// Posts returns the posts, newest first; drafts too if asked for.
func (b *Blog) Posts(drafts bool) []*model.Post {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []*model.Post
	for _, p := range slices.Backward(b.posts) {
		if drafts || !p.Draft {
			found = append(found, p)
		}
	}
	return found
}

// Authors returns all authors.
func (b *Blog) Authors() []*model.Author { return b.authors }

// Secret returns the one secret.
func (b *Blog) Secret() *model.Secret { return b.secret }

// Node returns the published object with this ID, or [ErrNotFound].
func (b *Blog) Node(id string) (model.Node, error) {
	if id == b.secret.ID {
		return b.secret, nil
	}
	for _, a := range b.authors {
		if a.ID == id {
			return a, nil
		}
	}
	for _, p := range b.Posts(false) {
		if p.ID == id {
			return p, nil
		}
	}
	return nil, ErrNotFound
}

// Search returns all published objects with text in title or name, ignoring case.
func (b *Blog) Search(text string) []model.SearchResult {
	text = strings.ToLower(text)
	has := func(title string) bool { return strings.Contains(strings.ToLower(title), text) }
	var found []model.SearchResult
	for _, p := range b.Posts(false) {
		if has(p.Title) {
			found = append(found, p)
		}
	}
	for _, a := range b.authors {
		if has(a.Name) {
			found = append(found, a)
		}
	}
	if has(b.secret.Title) {
		found = append(found, b.secret)
	}
	return found
}

// Entry returns the published object of this model (posts, authors, secret) with this ID, or [ErrNotFound].
func (b *Blog) Entry(kind, id string) (*model.Entry, error) {
	node, err := b.Node(id)
	if err != nil {
		return nil, err
	}
	is, title := "", ""
	switch n := node.(type) {
	case *model.Post:
		is, title = "posts", n.Title
	case *model.Author:
		is, title = "authors", n.Name
	case *model.Secret:
		is, title = "secret", n.Title
	}
	if is != kind { // otherwise a permission for posts would show secrets
		return nil, ErrNotFound
	}
	return &model.Entry{ID: id, Model: kind, Title: title}, nil
}

// Related returns the published posts that share a tag with p.
func (b *Blog) Related(p *model.Post) []*model.Post {
	shares := func(tag *model.Tag) bool {
		return slices.ContainsFunc(p.Tags, func(t *model.Tag) bool { return t.Name == tag.Name })
	}
	var found []*model.Post
	for _, other := range b.Posts(false) {
		if other.ID != p.ID && slices.ContainsFunc(other.Tags, shares) {
			found = append(found, other)
		}
	}
	return found
}

// Add writes a post and, unless it is a draft, sends it to all listeners. in sets its fields.
func (b *Blog) Add(in model.NewPost) *model.Post {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last++
	notes := "Not checked yet"
	p := &model.Post{
		ID: "post-" + strconv.Itoa(b.last), Title: in.Title, Body: in.Body, Draft: in.Draft,
		Featured: in.Featured != nil && *in.Featured, Author: b.authors[b.last%len(b.authors)], Notes: &notes,
	}
	for _, t := range in.Tags {
		p.Tags = append(p.Tags, &model.Tag{Name: t.Name, Official: t.Official != nil && *t.Official})
	}
	b.posts = append(b.posts, p)
	b.posts = b.posts[max(0, len(b.posts)-keep):]
	if !p.Draft {
		for reader := range b.readers {
			select {
			case reader <- p:
			default: // a slow listener misses a post; Add does not wait
			}
		}
	}
	return p
}

// Like adds a like and returns the new count.
func (b *Blog) Like(id string) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, p := range b.posts {
		if p.ID == id && !p.Draft {
			liked := *p
			liked.Likes++
			b.posts[i] = &liked
			return liked.Likes, nil
		}
	}
	return 0, ErrNotFound
}

// Clear deletes all posts and returns them, oldest first.
func (b *Blog) Clear() []*model.Post {
	b.mu.Lock()
	defer b.mu.Unlock()
	posts := b.posts
	b.posts = nil
	return posts
}

// Added returns a channel of the posts published from now on, until ctx is done.
func (b *Blog) Added(ctx context.Context) <-chan *model.Post {
	reader := make(chan *model.Post, 16)
	b.mu.Lock()
	b.readers[reader] = struct{}{}
	b.mu.Unlock()
	context.AfterFunc(ctx, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.readers, reader)
		close(reader) // Add sends under the same lock, never to a closed channel
	})
	return reader
}

// Listeners returns the number of listeners.
func (b *Blog) Listeners() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.readers)
}
