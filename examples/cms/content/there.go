package content

import (
	"context"
	"fmt"
	"strings"
)

// There returns how many of these items of a model exist, published or not.
func (s *Store) There(ctx context.Context, m Model, items []Item) (n int, err error) {
	args := []any{m.Name}
	var places []string
	for _, item := range items {
		args = append(args, item.ID())
		places = append(places, fmt.Sprintf("$%d", len(args)))
	}
	if places == nil {
		return 0, nil
	}
	err = s.db.QueryRowContext(ctx,
		`SELECT COUNT(*) FROM cms_items WHERE model = $1 AND id IN (`+strings.Join(places, ", ")+`)`, args...).Scan(&n)
	return n, err
}
