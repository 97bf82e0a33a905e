package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// A MemoryLog keeps the latest records in memory, and loses them with the process. It is for tests and small
// programs. Make it with [NewMemoryLog].
type MemoryLog struct {
	mu      sync.Mutex
	size    int
	records []Record // in ascending order of ID
}

// NewMemoryLog returns an empty log that keeps the latest size records, 10,000 if size is 0 or less.
func NewMemoryLog(size int) *MemoryLog {
	if size <= 0 {
		size = 10_000
	}
	return &MemoryLog{size: size}
}

func byID(r Record, id string) int { return strings.Compare(r.ID, id) }

// Append implements [Log].
func (m *MemoryLog) Append(ctx context.Context, r Record) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("audit: nothing done: %w", err)
	}
	r, err := copied(r)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	i, taken := slices.BinarySearchFunc(m.records, r.ID, byID)
	if taken {
		return errors.New("audit: a record with this ID exists")
	}
	m.records = slices.Insert(m.records, i, r)
	if len(m.records) > m.size {
		m.records[0] = Record{} // release its values before the array
		m.records = m.records[1:]
	}
	return nil
}

// List implements [Log].
func (m *MemoryLog) List(ctx context.Context, f Filter) ([]Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("audit: nothing listed: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var page []Record
	for _, r := range slices.Backward(m.records) {
		if len(page) == f.Size() {
			break
		}
		if !f.Passes(r) {
			continue
		}
		r, err := copied(r)
		if err != nil {
			return nil, err
		}
		page = append(page, r)
	}
	return page, nil
}

// copied returns a record that shares no memory with r, which must be complete.
func copied(r Record) (Record, error) {
	if r.ID == "" || r.At.IsZero() {
		return Record{}, errors.New("audit: the record is not stamped")
	}
	return Stamp(r)
}
