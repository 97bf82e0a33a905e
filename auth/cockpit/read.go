package cockpit

import "github.com/latchkey-go/latchkey/roles"

// A reader takes in documents of Cockpit 2, one after the other.
type reader struct {
	d      documents
	owned  []keyDocument // keys of users
	custom []keyDocument
	opened bool // a document of the public API was there
}

// take takes in one document of a table; nil is a row that is none.
func (r *reader) take(table string, row int, d document) {
	switch table {
	case "roles":
		if d == nil {
			r.d.odd = append(r.d.odd, odd(AboutRole, row))
			return
		}
		r.d.roles = append(r.d.roles, readRole(d))
	case "users":
		if d == nil {
			r.d.odd = append(r.d.odd, odd(AboutUser, row))
			return
		}
		r.takeUser(readUser(d, "role", "apiKey", userPrefix))
	case "api_keys":
		switch {
		case d == nil:
			r.d.odd = append(r.d.odd, odd(AboutKey, row))
		case d["key"] == publicKey:
			r.open(d)
		default:
			r.custom = append(r.custom, readKey(d))
		}
	}
}

func (r *reader) takeUser(u userDocument, k *keyDocument) {
	r.d.users = append(r.d.users, u)
	if k != nil {
		k.owner = len(r.d.users) - 1
		r.owned = append(r.owned, *k)
	}
}

// open takes in a document of the public API.
func (r *reader) open(d document) {
	role, ok := d.text("role")
	if !ok || role != "" && !roles.ValidAppID(role) {
		r.d.public.refused, role = "its role is not the appid of a role", ""
	}
	r.d.public.say(role, !r.opened)
	r.d.public.said, r.opened = true, true
}

// source ends reading.
func (r *reader) source() *Source {
	r.d.keys = append(r.owned, r.custom...)
	return r.d.seal()
}
