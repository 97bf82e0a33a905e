package content

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// The functions below are for writers: they return drafts as well.

// Models returns all models in order of their names.
func (s *Store) Models(ctx context.Context) ([]Model, error) {
	_, models, err := s.Version(ctx, Version{})
	return models, err
}

// Page returns a page of a model's items, latest first, and the total. Without drafts it counts only published items.
func (s *Store) Page(ctx context.Context, m Model, drafts bool, limit, skip int) (items []Item, total int, err error) {
	where := `model = $1 AND state = $2`
	args := []any{m.Name, published}
	if drafts {
		where, args = `model = $1`, args[:1]
	}
	if err := s.db.QueryRowContext(ctx, `SELECT COUNT(*) FROM cms_items WHERE `+where, args...).Scan(&total); err != nil {
		return nil, 0, err
	}
	query := fmt.Sprintf(`SELECT document FROM cms_items WHERE %s ORDER BY seq DESC LIMIT $%d OFFSET $%d`, where, len(args)+1, len(args)+2)
	items, err = s.read(ctx, query, append(args, limit, skip)...)
	return items, total, err
}

// Draft returns an item, published or not, or an error wrapping ErrNotFound. The ID of a singleton's item may be "".
func (s *Store) Draft(ctx context.Context, m Model, id string) (Item, error) {
	var document []byte
	var err error
	switch {
	case m.Type == Singleton && id == "":
		err = s.db.QueryRowContext(ctx, `SELECT document FROM cms_items WHERE singleton = $1`, m.Name).Scan(&document)
	case !ValidName(id):
		err = sql.ErrNoRows
	default:
		err = s.db.QueryRowContext(ctx, `SELECT document FROM cms_items WHERE model = $1 AND id = $2`, m.Name, id).Scan(&document)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("%w: item %q of %q", ErrNotFound, id, m.Name)
	}
	if err != nil {
		return nil, err
	}
	return decode(document)
}
