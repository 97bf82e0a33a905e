// Package content is what each of the servers serves: menus that all callers read, and items that callers with a key
// create.
package content

import (
	"context"
	"slices"
	"sync"

	"github.com/latchkey-go/latchkey/auth"
)

// An Item has the caller who created it.
type Item struct {
	Model string `json:"model"`
	By    string `json:"by"`
}

// A Store holds items in memory. The zero Store is empty.
type Store struct {
	mu      sync.Mutex
	items   []Item
	created chan struct{} // closed when the next item is created
}

// Menus returns the menus.
func (s *Store) Menus() []string { return []string{"Home", "About"} }

// Create adds an item of the caller in ctx.
func (s *Store) Create(ctx context.Context, model string) Item {
	caller, _ := auth.PrincipalFrom(ctx)
	item := Item{Model: model, By: caller.Name()}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.items = append(s.items, item)
	if s.created != nil {
		close(s.created)
		s.created = nil
	}
	return item
}

// Items returns the items from the one with this index on, and a channel that is closed when the next one is created.
func (s *Store) Items(from int) (items []Item, next <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.created == nil {
		s.created = make(chan struct{})
	}
	return slices.Clone(s.items[min(from, len(s.items)):]), s.created
}
