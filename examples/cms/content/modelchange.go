package content

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/latchkey-go/latchkey/auth/sqlstore"
)

// Changes of models run in the caller's transaction, together with the audit record.

// Revision returns a text that changes whenever the model does.
func (m Model) Revision() string {
	document, err := json.Marshal(m)
	if err != nil {
		return "" // matches none
	}
	sum := sha256.Sum256(document)
	return hex.EncodeToString(sum[:8])
}

// InsertModel stores the model unless its name is taken. The model begins without items: leftovers of a deleted model
// of this name are removed.
func InsertModel(ctx context.Context, db sqlstore.Executor, m Model) (added bool, err error) {
	if err := m.Check(); err != nil {
		return false, err
	}
	document, err := json.Marshal(m)
	if err != nil {
		return false, err
	}
	_, err = db.ExecContext(ctx, `DELETE FROM cms_items WHERE model = $1 AND NOT EXISTS (SELECT 1 FROM cms_models WHERE name = $1)`, m.Name)
	if err != nil {
		return false, err
	}
	result, err := db.ExecContext(ctx, `INSERT INTO cms_models (name, document) VALUES ($1, $2) ON CONFLICT DO NOTHING`, m.Name, string(document))
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// UpdateModel replaces label and fields of the stored model if it has this revision, and returns the old model. Items
// keep the values of removed fields. The type does not change.
func UpdateModel(ctx context.Context, db sqlstore.Executor, m Model, revision string) (before Model, err error) {
	var document []byte
	err = db.QueryRowContext(ctx, `SELECT document FROM cms_models WHERE name = $1`, m.Name).Scan(&document)
	if errors.Is(err, sql.ErrNoRows) {
		return Model{}, fmt.Errorf("%w: model %q", ErrNotFound, m.Name)
	}
	if err != nil {
		return Model{}, err
	}
	if err := json.Unmarshal(document, &before); err != nil {
		return Model{}, err
	}
	if before.Revision() != revision {
		return before, fmt.Errorf("%w: model %q", ErrConflict, m.Name)
	}
	after := before
	after.Label, after.Fields = m.Label, m.Fields
	if document, err = json.Marshal(after); err != nil {
		return before, err
	}
	_, err = db.ExecContext(ctx, `UPDATE cms_models SET document = $1 WHERE name = $2`, string(document), m.Name)
	return before, err
}

// DeleteModel deletes a model with all its items, published or not, and returns their number.
func DeleteModel(ctx context.Context, db sqlstore.Executor, name string) (items int, err error) {
	result, err := db.ExecContext(ctx, `DELETE FROM cms_models WHERE name = $1`, name)
	if err != nil {
		return 0, err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return 0, errors.Join(err, fmt.Errorf("%w: model %q", ErrNotFound, name))
	}
	if result, err = db.ExecContext(ctx, `DELETE FROM cms_items WHERE model = $1`, name); err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return int(n), err
}
