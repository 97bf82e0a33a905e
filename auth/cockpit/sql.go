package cockpit

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// ReadSQL reads the system database of Cockpit 2, storage/data/system.sqlite, over a driver of the host's. It writes
// nothing. It reads one snapshot, even while Cockpit runs; a copy in a read-only folder has to be opened with
// immutable=1, which is for files that never change. A table that is missing is empty, unless none of roles, users and
// api_keys is there. No error quotes a document.
//
// A space of Cockpit's has a storage folder of its own: read it by itself, and import it into a space of the ring.
func ReadSQL(ctx context.Context, system *sql.DB) (*Source, error) {
	r := new(reader)
	err := reading(ctx, system, func(tx *sql.Tx) error {
		found := 0
		for _, table := range []string{"roles", "users", "api_keys"} {
			there, err := eachDocument(ctx, tx, table, func(row int, d document) { r.take(table, row, d) })
			if err != nil {
				return err
			}
			if there {
				found++
			}
		}
		if found == 0 {
			return errors.New("none of the tables roles, users and api_keys is there")
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("cockpit: system database: %w", err)
	}
	r.d.public.said = true
	return r.source(), nil
}

// reading runs f in a transaction that comes to nothing.
func reading(ctx context.Context, db *sql.DB, f func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	return f(tx)
}

// eachDocument calls f for the documents of a table in row order, with nil for a row that holds none. It reports
// whether there is such a table.
func eachDocument(ctx context.Context, tx *sql.Tx, table string, f func(row int, d document)) (bool, error) {
	var n int
	err := tx.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?`, table).Scan(&n)
	if err != nil || n == 0 {
		return false, err
	}
	rows, err := tx.QueryContext(ctx, `SELECT document FROM "`+table+`" ORDER BY id`)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	for row := 1; rows.Next(); row++ {
		var text sql.RawBytes
		if err := rows.Scan(&text); err != nil {
			return true, err
		}
		f(row, parse(text))
	}
	if err := rows.Err(); err != nil {
		return true, err
	}
	return true, rows.Close()
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
