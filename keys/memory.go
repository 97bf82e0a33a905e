package keys

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// A MemoryStore holds records in memory, and loses them when the process ends. It is a [Store] and a [LastUsedStore], for
// tests and for hosts that load their keys at start. The zero value is ready to use. A MemoryStore must not be copied.
//
// A ring over a MemoryStore finds keys without a lock. Its methods take one mutex, for at most one pass over the records of
// one space. DropRole, and a change that rebuilds the index of all digests, take longer.
type MemoryStore struct {
	found digestIndex // read without mu, written under it; entries are shared, so only their atomics may be written

	mu     sync.Mutex
	byID   map[string]*stored
	spaces map[string]*spaceRecords
}

var (
	_ Store         = (*MemoryStore)(nil)
	_ LastUsedStore = (*MemoryStore)(nil)
)

// stored is a record and, beside it, its time of last use: recording a use does not replace the record, and
// replacing the record does not change the time.
type stored struct {
	rec      *Record // replaced, never changed
	lastUsed time.Time
}

// record returns a copy that the caller may change.
func (s *stored) record() Record {
	r := s.rec.clone()
	r.LastUsedAt = s.lastUsed
	return r
}

// NewMemoryStore returns an empty store.
func NewMemoryStore() *MemoryStore { return &MemoryStore{} }

// Find implements [Store].
func (m *MemoryStore) Find(ctx context.Context, space string, digests []Digest) (Record, error) {
	if err := ctx.Err(); err != nil {
		return Record{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range digests {
		d := digests[i].raw()
		if e := m.found.get(space, &d); e != nil {
			return m.byID[e.rec.ID].record(), nil
		}
	}
	return Record{}, ErrNotFound
}

// Get implements [Store].
func (m *MemoryStore) Get(ctx context.Context, space, id string) (Record, error) {
	if err := ctx.Err(); err != nil {
		return Record{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.locate(space, id)
	if err != nil {
		return Record{}, err
	}
	return s.record(), nil
}

// Insert implements [Store].
func (m *MemoryStore) Insert(ctx context.Context, r Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.byID[r.ID] != nil {
		return fmt.Errorf("%w: the ID", ErrExists)
	}
	if err := m.checkUnique(&r); err != nil {
		return err
	}
	if r.Sole && m.space(r.Space).hasKey(r.UserID) {
		return fmt.Errorf("%w: a key of this user", ErrExists)
	}
	m.add(r.clone())
	return nil
}

// Update implements [Store].
func (m *MemoryStore) Update(ctx context.Context, r Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.locate(r.Space, r.ID)
	switch {
	case err != nil:
		return err
	case !s.rec.InvalidatedAt.IsZero():
		return ErrInvalidated
	case r.Generation != s.rec.Generation+1:
		return ErrConflict
	}
	if err := m.checkUnique(&r); err != nil {
		return err
	}
	r = r.clone()
	r.Kind, r.UserID, r.CreatedAt = s.rec.Kind, s.rec.UserID, s.rec.CreatedAt
	m.replace(s, &r)
	return nil
}

// InvalidateUser implements [Store]. The user ID "" invalidates no key.
func (m *MemoryStore) InvalidateUser(ctx context.Context, space, userID string, at time.Time) ([]Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var ended []Record
	for _, s := range m.space(space).user[userID] {
		if s.rec.InvalidatedAt.IsZero() {
			r := *s.rec // shares its slices with the record before: neither ever changes
			r.InvalidatedAt = at
			r.Generation++
			m.replace(s, &r)
			ended = append(ended, s.record())
		}
	}
	return ended, nil
}

// DropRole implements [Store].
func (m *MemoryStore) DropRole(ctx context.Context, role string) (n int, err error) {
	if err := ctx.Err(); err != nil || role == "" {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.byID {
		if s.rec.Role == role {
			r := *s.rec // shares its slices with the record before: neither ever changes
			r.Role = ""
			r.Generation++
			m.replace(s, &r)
			n++
		}
	}
	return n, nil
}

// Delete implements [Store].
func (m *MemoryStore) Delete(ctx context.Context, space, id string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.locate(space, id)
	switch {
	case err != nil:
		return err
	case s.rec.InvalidatedAt.IsZero():
		return ErrConflict
	}
	m.drop(s)
	return nil
}

// RecordUse implements [LastUsedStore].
func (m *MemoryStore) RecordUse(ctx context.Context, uses []Use) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, u := range uses {
		if s, err := m.locate(u.Space, u.ID); err == nil && u.At.After(s.lastUsed) {
			s.lastUsed = u.At
		}
	}
	return nil
}

// locate returns the record with this ID in space.
func (m *MemoryStore) locate(space, id string) (*stored, error) {
	if s := m.byID[id]; s != nil && s.rec.Space == space {
		return s, nil
	}
	return nil, ErrNotFound
}

// checkUnique returns an error wrapping [ErrExists] if another record in r's space has one of r's digests or its foreign ID.
func (m *MemoryStore) checkUnique(r *Record) error {
	for _, d := range []rawDigest{r.Digest.raw(), r.Previous.raw()} {
		if e := m.found.get(r.Space, &d); e != nil && e.rec.ID != r.ID {
			return fmt.Errorf("%w: the digest", ErrExists)
		}
	}
	if s := m.space(r.Space).foreign[r.ForeignID]; s != nil && s.rec.ID != r.ID {
		return fmt.Errorf("%w: the foreign ID", ErrExists)
	}
	return nil
}

// add stores a new record after checkUnique.
func (m *MemoryStore) add(r Record) {
	if m.byID == nil {
		m.byID, m.spaces = map[string]*stored{}, map[string]*spaceRecords{}
	}
	s := &stored{rec: &r, lastUsed: r.LastUsedAt}
	m.byID[r.ID] = s
	m.spaces[r.Space] = m.space(r.Space)
	m.spaces[r.Space].add(s)
	m.index(&r)
}

// replace replaces the record of s by r. It indexes both digests of r before it removes the others of the old record, so
// that a digest that both records have is always found.
func (m *MemoryStore) replace(s *stored, r *Record) {
	old := s.rec
	r.LastUsedAt = s.lastUsed
	s.rec = r
	m.index(r)
	for _, d := range []Digest{old.Digest, old.Previous} {
		if !d.Equal(r.Digest) && !d.Equal(r.Previous) {
			m.unindex(r.Space, d)
		}
	}
	if old.ForeignID != r.ForeignID {
		m.spaces[r.Space].reindexForeignID(s, old.ForeignID)
	}
}

// index indexes both digests of r.
func (m *MemoryStore) index(r *Record) {
	m.put(newIndexed(r, r.Digest.raw(), false))
	if !r.Previous.Equal(r.Digest) {
		m.put(newIndexed(r, r.Previous.raw(), true))
	}
}

func (m *MemoryStore) put(e *indexed) {
	e.shared = true
	m.found.put(e)
}

// unindex removes d in space from the index.
func (m *MemoryStore) unindex(space string, d Digest) {
	raw := d.raw()
	m.found.remove(space, &raw)
}

// drop removes the record of s.
func (m *MemoryStore) drop(s *stored) {
	r := s.rec
	m.unindex(r.Space, r.Digest)
	m.unindex(r.Space, r.Previous)
	delete(m.byID, r.ID)
	if m.spaces[r.Space].remove(s) {
		delete(m.spaces, r.Space)
	}
}
