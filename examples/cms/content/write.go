package content

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// The errors of a refused write.
var (
	// ErrState means that _state is none of 1 (published), 0 (draft) and -1 (archived).
	ErrState = errors.New("content: no such _state")
	// ErrPublished means that the requested _state is less public than the item's, which the writer may not change.
	ErrPublished = errors.New("content: the item is more public than asked for")
	// ErrConflict means that other writers kept changing the item.
	ErrConflict = errors.New("content: another writer changed the item")
)

const tries = 10 // of a write that conflicts with others

// A Writer is the author of a write.
type Writer struct {
	UserID     string // stored as _cby and _mby; "" is stored as null
	MayPublish bool   // may change the _state of a stored item
	MayRead    bool   // may see the fields of a singleton that it does not write
}

// mayWrite returns an error wrapping ErrPublished if fields ask for a _state that is less public than the item's and
// the writer may not set it: otherwise the new text would be published with the item.
func (w Writer) mayWrite(item, fields Item) error {
	stored, _ := item.State()
	state, given := fields.State()
	if given && state < stored && !w.MayPublish {
		return ErrPublished
	}
	return nil
}

// Create stores a new item with the fields that the model accepts, and with their _state, or published if they have
// none. For a singleton that exists, these fields replace the stored ones. It keeps its _state if they have none, or
// if the writer may not change it; see ErrPublished.
func (s *Store) Create(ctx context.Context, m Model, fields Item, by Writer) (Item, error) {
	item, err := s.blank(ctx, m)
	if err != nil {
		return nil, err
	}
	if err := m.copy(item, fields, item); err != nil {
		return nil, err
	}
	if m.Type == Singleton {
		item["_model"] = m.Name
	}
	for range tries {
		if m.Type == Singleton {
			replaced, err := s.replaceSingleton(ctx, m, fields, item, by)
			if !errors.Is(err, ErrNotFound) {
				return replaced, err
			}
		}
		item["_id"] = newID()
		stamp(item, "_created", "_cby", by.UserID)
		stamp(item, "_modified", "_mby", by.UserID)
		added, err := s.insert(ctx, s.writer(ctx), m, item)
		if added || err != nil {
			return item, err
		}
	}
	return nil, ErrConflict
}

// replaceSingleton overwrites the singleton's item, or returns an error wrapping ErrNotFound.
func (s *Store) replaceSingleton(ctx context.Context, m Model, fields, item Item, by Writer) (Item, error) {
	var id string
	err := s.db.QueryRowContext(ctx, `SELECT id FROM cms_items WHERE singleton = $1`, m.Name).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return s.change(ctx, m, id, func(old Item) (Item, error) {
		if err := by.mayWrite(old, fields); err != nil {
			return nil, err
		}
		for _, kept := range []string{"_id", "_created", "_cby"} {
			item[kept] = old[kept]
		}
		if _, given := fields["_state"]; !given || !by.MayPublish {
			item["_state"] = old["_state"]
		}
		stamp(item, "_modified", "_mby", by.UserID)
		return item, nil
	})
}

// Update writes the fields that the model accepts over those of an item, published or not. It returns the written
// fields, with _id, time and author of the change, or an error wrapping ErrNotFound. It does not return the item's
// other fields, which the writer may not be allowed to read, unless it is a singleton and the writer may. A _state is
// written if the writer may change it; if not, the item keeps its own, or the error is ErrPublished.
func (s *Store) Update(ctx context.Context, m Model, id string, fields Item, by Writer) (Item, error) {
	known, err := s.blank(ctx, m)
	if err != nil {
		return nil, err
	}
	sent := Item{"_id": id}
	if err := m.copy(sent, fields, known); err != nil {
		return nil, err
	}
	if !by.MayPublish {
		delete(sent, "_state")
	}
	stamp(sent, "_modified", "_mby", by.UserID)
	item, err := s.change(ctx, m, id, func(item Item) (Item, error) {
		if err := by.mayWrite(item, fields); err != nil {
			return nil, err
		}
		for field, value := range sent {
			item[field] = value
		}
		return item, nil
	})
	if m.Type == Singleton && by.MayRead {
		return item, err
	}
	return sent, err
}

// change reads an item, lets edit change it, and writes it back. If another writer changed it in between, it starts
// again.
func (s *Store) change(ctx context.Context, m Model, id string, edit func(Item) (Item, error)) (Item, error) {
	if !ValidName(id) {
		return nil, fmt.Errorf("%w: not an _id: %q", ErrNotFound, id)
	}
	for range tries {
		var document []byte
		var version int64
		err := s.db.QueryRowContext(ctx, `SELECT document, version FROM cms_items WHERE model = $1 AND id = $2`, m.Name, id).Scan(&document, &version)
		if errors.Is(err, sql.ErrNoRows) {
			return nil, fmt.Errorf("%w: item %q of %q", ErrNotFound, id, m.Name)
		}
		if err != nil {
			return nil, err
		}
		item, err := decode(document)
		if err != nil {
			return nil, err
		}
		if item, err = edit(item); err != nil {
			return nil, err
		}
		if document, err = json.Marshal(item); err != nil {
			return nil, err
		}
		state, _ := item.State()
		result, err := s.writer(ctx).ExecContext(ctx,
			`UPDATE cms_items SET document = $1, state = $2, version = version + 1 WHERE model = $3 AND id = $4 AND version = $5`,
			string(document), state, m.Name, id, version)
		if err != nil {
			return nil, err
		}
		if n, err := result.RowsAffected(); err != nil || n > 0 {
			return item, err
		}
	}
	return nil, ErrConflict
}

// Delete deletes an item, published or not. It returns nil if there is none.
func (s *Store) Delete(ctx context.Context, m Model, id string) error {
	if !ValidName(id) {
		return nil
	}
	_, err := s.writer(ctx).ExecContext(ctx, `DELETE FROM cms_items WHERE model = $1 AND id = $2`, m.Name, id)
	return err
}

// AddItems stores whole items in one transaction and skips those whose _id exists. For readers, an item without a
// known _state is a draft.
func (s *Store) AddItems(ctx context.Context, m Model, items []Item) (added int, err error) {
	add := func(ctx context.Context, db execer) error {
		for _, item := range items {
			if !ValidName(item.ID()) {
				return fmt.Errorf("content: an item of %q without a valid _id", m.Name)
			}
			ok, err := s.insert(ctx, db, m, item)
			if err != nil {
				return err
			}
			if ok {
				added++
			}
		}
		return nil
	}
	if s.write != nil {
		err = s.write.InTx(ctx, func(ctx context.Context) error { return add(ctx, s.writer(ctx)) })
	} else {
		err = s.inTx(ctx, add)
	}
	if err != nil {
		return 0, err
	}
	return added, nil
}

// inTx runs f in a transaction of db.
func (s *Store) inTx(ctx context.Context, f func(context.Context, execer) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := f(ctx, tx); err != nil {
		return err
	}
	return tx.Commit()
}

type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

func (s *Store) insert(ctx context.Context, db execer, m Model, item Item) (added bool, err error) {
	document, err := json.Marshal(item)
	if err != nil {
		return false, err
	}
	state, _ := item.State()
	only := sql.NullString{String: m.Name, Valid: m.Type == Singleton}
	result, err := db.ExecContext(ctx,
		`INSERT INTO cms_items (model, id, singleton, state, document) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
		m.Name, item.ID(), only, state, string(document))
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// copy copies the fields that a writer may set: those of a new item, and _state.
func (m Model) copy(to, fields, known Item) error {
	for field, value := range fields {
		if _, ok := known[field]; strings.HasPrefix(field, "_") || !ok && len(m.Fields) > 0 {
			continue
		}
		if !within(maxNested, value) {
			return &ParameterError{Name: "data", Want: "valid json"}
		}
		to[field] = value
	}
	if state, given := fields["_state"]; given {
		if _, ok := fields.State(); !ok {
			return ErrState
		}
		to["_state"] = state
	}
	return nil
}

// maxNested is how deep objects and lists may be nested in a field. Many more, and JSON decoders such as
// encoding/json refuse the answer, so one item would break all lists that contain it.
const maxNested = 100

func within(depth int, value any) bool {
	inside := func(one any) bool { return depth > 0 && within(depth-1, one) }
	switch value := value.(type) {
	case map[string]any:
		for _, one := range value {
			if !inside(one) {
				return false
			}
		}
	case []any:
		for _, one := range value {
			if !inside(one) {
				return false
			}
		}
	}
	return true
}

// stamp sets time and author of a change. No author is null, as in Cockpit.
func stamp(item Item, when, who, by string) {
	item[when], item[who] = json.Number(fmt.Sprint(time.Now().Unix())), nil
	if by != "" {
		item[who] = by
	}
}

// newID makes an _id as Cockpit does: 24 hex digits, the first eight from the time.
func newID() string {
	var random [8]byte
	rand.Read(random[:])
	return fmt.Sprintf("%08x%s", uint32(time.Now().Unix()), hex.EncodeToString(random[:]))
}
