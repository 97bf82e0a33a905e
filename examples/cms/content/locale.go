package content

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// Locales returns the languages of translations, ordered by name.
func (s *Store) Locales(ctx context.Context) ([]string, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT name FROM cms_locales ORDER BY name`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var locales []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		locales = append(locales, name)
	}
	return locales, rows.Err()
}

// AddLocales adds languages. Those that exist are skipped.
func (s *Store) AddLocales(ctx context.Context, names ...string) error {
	for _, name := range names {
		if !ValidName(name) {
			return fmt.Errorf("content: %q is not a valid name for a locale", name)
		}
	}
	var errs []error
	for _, name := range names {
		_, err := s.writer(ctx).ExecContext(ctx, `INSERT INTO cms_locales (name) VALUES ($1) ON CONFLICT DO NOTHING`, name)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// localeOf returns "" for Cockpit's name of the language of fields without suffix, and for anything that is not a
// valid name.
func localeOf(name string) string {
	if name == "default" || !ValidName(name) {
		return ""
	}
	return name
}

// blank returns a new published item of the model with all fields, translations included.
func (s *Store) blank(ctx context.Context, m Model) (Item, error) {
	item := Item{"_state": json.Number("1")}
	var locales []string
	for _, f := range m.Fields {
		item[f.Name] = f.blank()
		if f.I18n && locales == nil {
			var err error
			if locales, err = s.Locales(ctx); err != nil {
				return nil, err
			}
		}
		for _, locale := range locales {
			if f.I18n && !m.declares(f.Name+"_"+locale) {
				item[f.Name+"_"+locale] = f.blank()
			}
		}
	}
	return item, nil
}

func (f Field) blank() any {
	if f.Multiple {
		return []any{}
	}
	return nil
}
