package content

import (
	"fmt"

	"github.com/latchkey-go/latchkey/auth/sqlstore"
)

// Schema returns the statements that create missing tables of this package.
func Schema(d sqlstore.Dialect) string {
	counter := "INTEGER PRIMARY KEY"
	if d == sqlstore.PostgreSQL {
		counter = "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
	}
	return fmt.Sprintf(`
CREATE TABLE IF NOT EXISTS cms_models (
	name     TEXT NOT NULL PRIMARY KEY,
	document TEXT NOT NULL -- JSON of Model
);
CREATE TABLE IF NOT EXISTS cms_locales (
	name TEXT NOT NULL PRIMARY KEY -- the ending of translations: de in title_de
);
CREATE TABLE IF NOT EXISTS cms_items (
	seq       %s, -- the order in which items are listed
	model     TEXT NOT NULL,
	id        TEXT NOT NULL,
	singleton TEXT UNIQUE, -- the model's name if it may have but one item
	state     INTEGER NOT NULL,
	version   INTEGER NOT NULL DEFAULT 1,
	document  TEXT NOT NULL, -- JSON, with _id and _state again
	UNIQUE (model, id)
);
CREATE INDEX IF NOT EXISTS cms_items_listed ON cms_items (model, state, seq);
`, counter)
}
