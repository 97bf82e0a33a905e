package roles

import (
	"context"
	"sync"
)

// A MemoryStore is a [Store] that forgets everything at the end of the process. It serves tests, examples and
// hosts whose roles are written in the program.
type MemoryStore struct {
	mu       sync.RWMutex
	roles    map[string]Role
	revision Revision
}

// NewMemoryStore returns a store that holds copies of these roles. Of several with one appid the last stays.
func NewMemoryStore(rs ...Role) *MemoryStore {
	s := &MemoryStore{roles: make(map[string]Role, len(rs))}
	for _, role := range rs {
		s.roles[role.AppID] = role.clone()
		s.revision = s.revision.Next()
	}
	return s
}

// Load implements [Store].
func (s *MemoryStore) Load(ctx context.Context) ([]Role, Revision, error) {
	if err := ctx.Err(); err != nil {
		return nil, Revision{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	rs := make([]Role, 0, len(s.roles))
	for _, role := range s.roles {
		rs = append(rs, role.clone())
	}
	return rs, s.revision, nil
}

// Revision implements [Store].
func (s *MemoryStore) Revision(ctx context.Context) (Revision, error) {
	if err := ctx.Err(); err != nil {
		return Revision{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.revision, nil
}

// Save implements [Store].
func (s *MemoryStore) Save(ctx context.Context, role Role, revision Revision) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if revision != s.revision {
		return ErrConflict
	}
	s.roles[role.AppID] = role.clone()
	s.revision = s.revision.Next()
	return nil
}

// Delete implements [Store].
func (s *MemoryStore) Delete(ctx context.Context, appid string, revision Revision) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if revision != s.revision {
		return ErrConflict
	}
	if _, ok := s.roles[appid]; !ok {
		return notFound(appid)
	}
	delete(s.roles, appid)
	s.revision = s.revision.Next()
	return nil
}
