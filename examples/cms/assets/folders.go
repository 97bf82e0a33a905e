package assets

import (
	"context"
	"strings"
	"unicode/utf8"
)

// A Folder groups assets on the screens. It is not a folder of the disk. The Parent of one at the top is "".
type Folder struct{ ID, Parent, Name string }

// Folders returns all folders, by name. Those whose parent does not exist are at the top.
func (s *Store) Folders(ctx context.Context) ([]Folder, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT f.id, COALESCE(p.id, ''), f.name FROM cms_asset_folders AS f
		LEFT JOIN cms_asset_folders AS p ON p.id = f.parent ORDER BY f.name, f.id`)
	return each(rows, err, func(f *Folder) []any { return []any{&f.ID, &f.Parent, &f.Name} })
}

// AddFolder stores a folder, which gets an ID if it has none. If there is one with its ID, that stays as it is.
func (s *Store) AddFolder(ctx context.Context, f Folder) error {
	if f.ID == "" {
		f.ID = random(12)
	}
	name, err := folderName(f.Name)
	if err != nil {
		return err
	}
	return s.change(ctx, Mistake("There are too many folders"), `INSERT INTO cms_asset_folders (id, parent, name)
		SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT) WHERE (SELECT COUNT(*) FROM cms_asset_folders) < 500
		ON CONFLICT (id) DO UPDATE SET name = cms_asset_folders.name`,
		f.ID, f.Parent, name)
}

// RenameFolder renames a folder.
func (s *Store) RenameFolder(ctx context.Context, id, name string) error {
	name, err := folderName(name)
	if err != nil {
		return err
	}
	return s.change(ctx, ErrNotFound, `UPDATE cms_asset_folders SET name = $1 WHERE id = $2`, name, id)
}

// DeleteFolder deletes a folder that has no assets and no folders.
func (s *Store) DeleteFolder(ctx context.Context, id string) error {
	return s.change(ctx, Mistake("The folder is not empty, or it is gone"), `DELETE FROM cms_asset_folders WHERE id = $1
		AND NOT EXISTS (SELECT 1 FROM cms_assets WHERE folder = $1)
		AND NOT EXISTS (SELECT 1 FROM cms_asset_folders AS f WHERE f.parent = $1)`, id)
}

func folderName(name string) (string, error) {
	name = strings.TrimSpace(name)
	if n := utf8.RuneCountInString(name); n == 0 || n > 100 {
		return "", Mistake("A folder's name has 1 to 100 characters")
	}
	return name, nil
}
