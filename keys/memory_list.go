package keys

import (
	"context"
	"slices"
	"strings"
)

// List implements [Store]. It starts at f.After by binary search and stops when the page is full. A filter
// by user or foreign ID looks at that user's or that one record only; any other looks at the records of
// the space from f.After on.
func (m *MemoryStore) List(ctx context.Context, space string, f Filter) ([]Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	limit := min(f.Limit, maxPage)
	if limit <= 0 {
		limit = defaultPage
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	list := m.rooms[space].candidates(f)
	start, found := slices.BinarySearchFunc(list, f.After, byIDOrder)
	if found {
		start++
	}
	var page []Record
	for _, s := range list[start:] {
		if len(page) == limit {
			break
		}
		if f.passes(s.rec) {
			page = append(page, s.record())
		}
	}
	return page, nil
}

const (
	defaultPage = 100
	maxPage     = 1000
)

// passes reports whether r is on the list, After and Limit aside.
func (f *Filter) passes(r *Record) bool {
	return (f.Kind == "" || r.Kind == f.Kind) &&
		(f.UserID == "" || r.UserID == f.UserID) &&
		(f.Role == "" || r.Role == f.Role) &&
		(f.ForeignID == "" || r.ForeignID == f.ForeignID) &&
		(f.State == "" || r.State(f.At) == f.State) &&
		(!f.Legacy || r.Legacy) &&
		(f.IssuedUntil.IsZero() || !r.born().After(f.IssuedUntil))
}

// A room holds the records of one space, each list in ascending order of ID. A nil room is empty.
type room struct {
	all     []*stored
	user    map[string][]*stored
	foreign map[string]*stored
}

func newRoom() *room {
	return &room{user: map[string][]*stored{}, foreign: map[string]*stored{}}
}

// candidates returns the shortest list that holds all records that pass f.
func (rm *room) candidates(f Filter) []*stored {
	switch {
	case rm == nil:
		return nil
	case f.ForeignID != "":
		if s := rm.foreign[f.ForeignID]; s != nil {
			return []*stored{s}
		}
		return nil
	case f.UserID != "":
		return rm.user[f.UserID]
	}
	return rm.all
}

// ofUser returns the records of one user. Nobody has none.
func (rm *room) ofUser(userID string) []*stored {
	if rm == nil {
		return nil
	}
	return rm.user[userID]
}

// ofForeign returns the record with this foreign ID, or nil.
func (rm *room) ofForeign(id string) *stored {
	if rm == nil {
		return nil
	}
	return rm.foreign[id]
}

// holdsLive reports whether the user has a key that is not invalidated.
func (rm *room) holdsLive(userID string) bool {
	return slices.ContainsFunc(rm.ofUser(userID), func(s *stored) bool { return s.rec.InvalidatedAt.IsZero() })
}

func (rm *room) add(s *stored) {
	rm.all = insertSorted(rm.all, s)
	if u := s.rec.UserID; u != "" {
		rm.user[u] = insertSorted(rm.user[u], s)
	}
	if f := s.rec.ForeignID; f != "" {
		rm.foreign[f] = s
	}
}

// renamed follows a change of foreign ID.
func (rm *room) renamed(s *stored, old string) {
	delete(rm.foreign, old)
	if f := s.rec.ForeignID; f != "" {
		rm.foreign[f] = s
	}
}

// remove drops s and reports whether the room is empty now.
func (rm *room) remove(s *stored) (empty bool) {
	rm.all = removeSorted(rm.all, s)
	if u := s.rec.UserID; u != "" {
		if rm.user[u] = removeSorted(rm.user[u], s); len(rm.user[u]) == 0 {
			delete(rm.user, u)
		}
	}
	delete(rm.foreign, s.rec.ForeignID)
	return len(rm.all) == 0
}

// byIDOrder is the order of lists.
func byIDOrder(s *stored, id string) int { return strings.Compare(s.rec.ID, id) }

// insertSorted returns list with s at its place, which for the ascending IDs of new records is the end.
func insertSorted(list []*stored, s *stored) []*stored {
	i, _ := slices.BinarySearchFunc(list, s.rec.ID, byIDOrder)
	return slices.Insert(list, i, s)
}

// removeSorted returns list without s.
func removeSorted(list []*stored, s *stored) []*stored {
	i, _ := slices.BinarySearchFunc(list, s.rec.ID, byIDOrder)
	return slices.Delete(list, i, i+1)
}
