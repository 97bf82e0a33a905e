package cockpit

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/latchkey-go/latchkey/roles"
)

// ReadSQL reads the system database of Cockpit 2, storage/data/system.sqlite, over a driver of the host's. It writes
// nothing. It reads one snapshot, even while Cockpit runs; a copy in a read-only folder has to be opened with
// immutable=1, which is for files that never change. A table that is missing is empty, unless none of roles, users and
// api_keys is there. No error quotes a document.
//
// A space of Cockpit's has a storage folder of its own: read it by itself, and import it into a space of the ring.
func ReadSQL(ctx context.Context, system *sql.DB) (*Source, error) {
	r := new(reader)
	found, err := r.readTables(ctx, system, "roles", "users", "api_keys")
	if err == nil && !found {
		err = errors.New("none of the tables roles, users and api_keys is there")
	}
	if err != nil {
		return nil, fmt.Errorf("cockpit: system database: %w", err)
	}
	r.d.public.said = true
	return r.source(), nil
}

// readTables takes in the documents of these tables in one snapshot. It reports whether one of the tables is there.
func (r *reader) readTables(ctx context.Context, db *sql.DB, tables ...string) (found bool, err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer tx.Rollback()
	for _, table := range tables {
		var n int
		err := tx.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?`, table).Scan(&n)
		if err == nil && n > 0 {
			found, err = true, r.readTable(ctx, tx, table)
		}
		if err != nil {
			return false, err
		}
	}
	return found, nil
}

// readTable takes in the documents of a table in row order.
func (r *reader) readTable(ctx context.Context, tx *sql.Tx, table string) error {
	rows, err := tx.QueryContext(ctx, `SELECT document FROM "`+table+`" ORDER BY id`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for row := 1; rows.Next(); row++ {
		var text sql.RawBytes
		if err := rows.Scan(&text); err != nil {
			return err
		}
		r.take(table, row, parse(text))
	}
	return rows.Err()
}

// parse returns the document that text is, or nil.
func parse(text []byte) document {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var d document
	if decoder.Decode(&d) != nil {
		return nil
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil
	}
	return d
}

// ReadV1 reads the databases of Cockpit 1: accounts is storage/data/cockpit.sqlite, kept is storage/data/cockpitdb.sqlite,
// over a driver of the host's. Either may be nil and is then left out. It writes nothing.
//
// An account becomes a user with its group as role; since Cockpit 1 keeps the rights of groups in a file of its own,
// roles of these names have to be here before, or the user has none. The master key becomes a custom key with the role
// admin. A special key becomes a custom key without a role, since its rules have no equivalent here, and is reported:
// give it a role. These keys have no _id: they are known by their place, as "v1-master", "v1-special-1" and so on. In
// Cockpit 1 callers without a key may do nothing, and so the public setting is left alone.
func ReadV1(ctx context.Context, accounts, kept *sql.DB) (*Source, error) {
	r := new(reader)
	r.d.rolesHere = true
	if accounts != nil {
		found, err := r.readTables(ctx, accounts, "accounts")
		if err == nil && !found {
			err = errors.New("the table accounts is not there")
		}
		if err != nil {
			return nil, fmt.Errorf("cockpit: database of accounts: %w", err)
		}
	}
	if kept != nil {
		if _, err := r.readTables(ctx, kept, "cockpit"); err != nil { // a table that is missing holds no keys
			return nil, fmt.Errorf("cockpit: database of keys: %w", err)
		}
	}
	return r.source(), nil
}

// takeKept takes in the value of which Cockpit 1 keeps its keys.
func (r *reader) takeKept(kept document) {
	if master := kept["master"]; master != nil && master != "" {
		r.custom = append(r.custom, readKey(document{
			"_id": "v1-master", "name": "Cockpit 1 master key", "role": roles.Admin, "key": master,
		}))
	}
	special, _ := kept["special"].([]any)
	for i, one := range special {
		d, ok := one.(map[string]any)
		if !ok {
			r.d.odd = append(r.d.odd, odd(AboutKey, i+1))
			continue
		}
		k := readKey(document{
			"_id": fmt.Sprint("v1-special-", i+1), "name": fmt.Sprint("Cockpit 1 special key ", i+1), "key": d["token"],
		})
		if k.refused == "" {
			k.note("its rules are not carried over: it comes without a role, so give it one")
		}
		r.custom = append(r.custom, k)
	}
}
