package keys

import (
	"context"
	"slices"
	"strings"
)

// List implements [Store]. It finds f.After by binary search and stops when the page is full. A filter by user or foreign ID
// reads only the records of that user or with that ID; any other reads the records of the space after f.After.
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
	list := m.space(space).candidates(f)
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

// passes reports whether r passes f, without regard to After and Limit.
func (f *Filter) passes(r *Record) bool {
	return (f.Kind == "" || r.Kind == f.Kind) &&
		(f.UserID == "" || r.UserID == f.UserID) &&
		(f.Role == "" || r.Role == f.Role) &&
		(f.ForeignID == "" || r.ForeignID == f.ForeignID) &&
		(f.State == "" || r.State(f.At) == f.State) &&
		(!f.Legacy || r.Legacy) &&
		(f.IssuedUntil.IsZero() || !r.issuedAt().After(f.IssuedUntil))
}

// spaceRecords are the records of one space, each list in ascending order of ID. No user and no foreign ID is "".
type spaceRecords struct {
	all     []*stored
	user    map[string][]*stored
	foreign map[string]*stored
}

// space returns the records of a space: a new, empty list if there are none.
func (m *MemoryStore) space(name string) *spaceRecords {
	if sr := m.spaces[name]; sr != nil {
		return sr
	}
	return &spaceRecords{user: map[string][]*stored{}, foreign: map[string]*stored{}}
}

// candidates returns the shortest list that contains all records that pass f.
func (sr *spaceRecords) candidates(f Filter) []*stored {
	switch {
	case f.ForeignID != "":
		if s := sr.foreign[f.ForeignID]; s != nil {
			return []*stored{s}
		}
		return nil
	case f.UserID != "":
		return sr.user[f.UserID]
	}
	return sr.all
}

// hasKey reports whether the user has a key that is not invalidated.
func (sr *spaceRecords) hasKey(userID string) bool {
	return slices.ContainsFunc(sr.user[userID], func(s *stored) bool { return s.rec.InvalidatedAt.IsZero() })
}

func (sr *spaceRecords) add(s *stored) {
	sr.all = insertSorted(sr.all, s)
	if u := s.rec.UserID; u != "" {
		sr.user[u] = insertSorted(sr.user[u], s)
	}
	if f := s.rec.ForeignID; f != "" {
		sr.foreign[f] = s
	}
}

// reindexForeignID indexes s after a change of its foreign ID from old.
func (sr *spaceRecords) reindexForeignID(s *stored, old string) {
	delete(sr.foreign, old)
	if f := s.rec.ForeignID; f != "" {
		sr.foreign[f] = s
	}
}

// remove removes s and reports whether the space is empty now.
func (sr *spaceRecords) remove(s *stored) (empty bool) {
	sr.all = removeSorted(sr.all, s)
	if u := s.rec.UserID; u != "" {
		if sr.user[u] = removeSorted(sr.user[u], s); len(sr.user[u]) == 0 {
			delete(sr.user, u)
		}
	}
	delete(sr.foreign, s.rec.ForeignID)
	return len(sr.all) == 0
}

// byIDOrder compares as lists are ordered.
func byIDOrder(s *stored, id string) int { return strings.Compare(s.rec.ID, id) }

// insertSorted returns list with s inserted in order. New records have ascending IDs, and so are appended.
func insertSorted(list []*stored, s *stored) []*stored {
	i, _ := slices.BinarySearchFunc(list, s.rec.ID, byIDOrder)
	return slices.Insert(list, i, s)
}

// removeSorted returns list without s.
func removeSorted(list []*stored, s *stored) []*stored {
	i, _ := slices.BinarySearchFunc(list, s.rec.ID, byIDOrder)
	return slices.Delete(list, i, i+1)
}
