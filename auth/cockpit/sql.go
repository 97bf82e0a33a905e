package cockpit

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/latchkey-go/latchkey/keys"
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
	err := reading(ctx, system, func(tx *sql.Tx) error {
		found := false
		for _, table := range []string{"roles", "users", "api_keys"} {
			there, err := eachDocument(ctx, tx, table, func(row int, d document) { r.take(table, row, d) })
			if err != nil {
				return err
			}
			found = found || there
		}
		if !found {
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
		if err := r.readAccounts(ctx, accounts); err != nil {
			return nil, fmt.Errorf("cockpit: database of accounts: %w", err)
		}
	}
	if kept != nil {
		if err := r.readKept(ctx, kept); err != nil {
			return nil, fmt.Errorf("cockpit: database of keys: %w", err)
		}
	}
	return r.source(), nil
}

// accountPrefix begins the keys of accounts.
const accountPrefix = "account-"

func (r *reader) readAccounts(ctx context.Context, db *sql.DB) error {
	return reading(ctx, db, func(tx *sql.Tx) error {
		there, err := eachDocument(ctx, tx, "accounts", func(row int, d document) {
			if d == nil {
				r.d.odd = append(r.d.odd, odd(AboutUser, row))
				return
			}
			r.takeUser(readUser(d, "group", "api_key", accountPrefix))
		})
		if err == nil && !there {
			err = errors.New("the table accounts is not there")
		}
		return err
	})
}

func (r *reader) readKept(ctx context.Context, db *sql.DB) error {
	return reading(ctx, db, func(tx *sql.Tx) error {
		_, err := eachDocument(ctx, tx, "cockpit", func(row int, d document) {
			if d == nil || d["key"] != "api_keys" {
				return // the table keeps other things as well
			}
			kept, _ := d["val"].(map[string]any)
			r.takeKept(kept)
		})
		return err // a table that is missing holds no keys
	})
}

// takeKept takes in the value of which Cockpit 1 keeps its keys.
func (r *reader) takeKept(kept document) {
	if kept["master"] != nil && kept["master"] != "" {
		r.custom = append(r.custom, readToken(kept["master"], "v1-master", "Cockpit 1 master key", roles.Admin))
	}
	special, _ := kept["special"].([]any)
	for i, one := range special {
		d, ok := one.(map[string]any)
		if !ok {
			r.d.odd = append(r.d.odd, odd(AboutKey, i+1))
			continue
		}
		k := readToken(d["token"], fmt.Sprintf("v1-special-%d", i+1), fmt.Sprintf("Cockpit 1 special key %d", i+1), "")
		if k.refused == "" {
			k.note("its rules are not carried over: it comes without a role, so give it one")
		}
		r.custom = append(r.custom, k)
	}
}

func readToken(token any, id, name, role string) keyDocument {
	k := keyDocument{head: head{id: id, name: name}, kind: keys.KindCustom, owner: -1, role: role}
	var ok bool
	switch k.text, ok = token.(string); {
	case token != nil && !ok:
		k.refuse("its text is no text")
	case k.text == "":
		k.refuse("it has no text")
	}
	return k
}
