package keys

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// A MemoryStore keeps records in memory, and loses them with the process. It is a [Store] and a
// [LastUsedStore], for tests and for hosts that read their keys from elsewhere at start. The zero value is
// ready to use. A MemoryStore must not be copied.
//
// A ring over a MemoryStore finds keys without taking a lock. Every other method takes one mutex. None holds it
// longer than a look through the records of one space takes, except DropRole, and now and then a change after which the index
// of all digests has to be rebuilt.
type MemoryStore struct {
	found digestIndex // read without mu, written under it

	mu    sync.Mutex
	byID  map[string]*stored
	rooms map[string]*room
}

var (
	_ Store         = (*MemoryStore)(nil)
	_ LastUsedStore = (*MemoryStore)(nil)
)

// stored is one record's place. Times of use come and go beside the record, so that recording one neither
// replaces the record nor is undone by who does.
type stored struct {
	rec      *Record // never changed: replaced
	lastUsed time.Time
}

// record returns a copy that the caller may change.
func (s *stored) record() Record {
	r := s.rec.Clone()
	r.LastUsedAt = s.lastUsed
	return r
}

// NewMemoryStore returns an empty store.
func NewMemoryStore() *MemoryStore { return &MemoryStore{} }

// lookup returns the entry of the record in space that d is a digest of, or nil. It takes no lock and
// allocates nothing. What it returns is shared: only its atomics may be written.
func (m *MemoryStore) lookup(space string, d *rawDigest) *indexed { return m.found.get(space, d) }

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
	s, err := m.at(space, id)
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
	if err := m.free(&r); err != nil {
		return err
	}
	if r.Sole && m.rooms[r.Space].holdsLive(r.UserID) {
		return fmt.Errorf("%w: a key of this user", ErrExists)
	}
	m.add(r.Clone())
	return nil
}

// Update implements [Store].
func (m *MemoryStore) Update(ctx context.Context, r Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.at(r.Space, r.ID)
	switch {
	case err != nil:
		return err
	case !s.rec.InvalidatedAt.IsZero():
		return ErrInvalidated
	case r.Generation != s.rec.Generation+1:
		return ErrConflict
	}
	if err := m.free(&r); err != nil {
		return err
	}
	r = r.Clone()
	r.Kind, r.UserID, r.CreatedAt = s.rec.Kind, s.rec.UserID, s.rec.CreatedAt
	m.replace(s, &r)
	return nil
}

// InvalidateUser implements [Store]. Keys without a user belong to nobody: "" invalidates none.
func (m *MemoryStore) InvalidateUser(ctx context.Context, space, userID string, at time.Time) ([]Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var ended []Record
	for _, s := range m.rooms[space].ofUser(userID) {
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
	s, err := m.at(space, id)
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
		if s, err := m.at(u.Space, u.ID); err == nil && u.At.After(s.lastUsed) {
			s.lastUsed = u.At
		}
	}
	return nil
}

// at returns the place of the record with this ID in space.
func (m *MemoryStore) at(space, id string) (*stored, error) {
	if s := m.byID[id]; s != nil && s.rec.Space == space {
		return s, nil
	}
	return nil, ErrNotFound
}

// free returns an error wrapping [ErrExists] if another record in r's space holds what r asks for.
func (m *MemoryStore) free(r *Record) error {
	for _, d := range []rawDigest{r.Digest.raw(), r.Previous.raw()} {
		if e := m.found.get(r.Space, &d); e != nil && e.rec.ID != r.ID {
			return fmt.Errorf("%w: the digest", ErrExists)
		}
	}
	if s := m.rooms[r.Space].ofForeign(r.ForeignID); s != nil && s.rec.ID != r.ID {
		return fmt.Errorf("%w: the foreign ID", ErrExists)
	}
	return nil
}

// add stores a record of which nothing is taken.
func (m *MemoryStore) add(r Record) {
	if m.byID == nil {
		m.byID, m.rooms = map[string]*stored{}, map[string]*room{}
	}
	if m.rooms[r.Space] == nil {
		m.rooms[r.Space] = newRoom()
	}
	s := &stored{rec: &r, lastUsed: r.LastUsedAt}
	m.byID[r.ID] = s
	m.rooms[r.Space].add(s)
	m.lead(&r)
}

// replace makes r the record at s. Both digests of r lead to r before the others of the old record lead
// nowhere, so a digest that was good before and is good after is found at every instant between.
func (m *MemoryStore) replace(s *stored, r *Record) {
	old := s.rec
	r.LastUsedAt = s.lastUsed
	s.rec = r
	m.lead(r)
	for _, d := range []Digest{old.Digest, old.Previous} {
		if !d.Equal(r.Digest) && !d.Equal(r.Previous) {
			m.unlead(r.Space, d)
		}
	}
	if old.ForeignID != r.ForeignID {
		m.rooms[r.Space].renamed(s, old.ForeignID)
	}
}

// lead makes both digests of r lead to r.
func (m *MemoryStore) lead(r *Record) {
	m.put(newIndexed(r, r.Digest.raw(), false))
	if !r.Previous.Equal(r.Digest) {
		m.put(newIndexed(r, r.Previous.raw(), true))
	}
}

func (m *MemoryStore) put(e *indexed) {
	e.shared = true
	m.found.put(e)
}

// unlead makes d in space lead nowhere.
func (m *MemoryStore) unlead(space string, d Digest) {
	raw := d.raw()
	m.found.remove(space, &raw)
}

// drop forgets the record at s.
func (m *MemoryStore) drop(s *stored) {
	r := s.rec
	m.unlead(r.Space, r.Digest)
	m.unlead(r.Space, r.Previous)
	delete(m.byID, r.ID)
	if m.rooms[r.Space].remove(s) {
		delete(m.rooms, r.Space)
	}
}
