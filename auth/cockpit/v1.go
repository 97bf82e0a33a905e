package cockpit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

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
