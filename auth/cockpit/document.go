package cockpit

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

const (
	// publicKey marks the document of the public API among the keys. It is not a key.
	publicKey = "public"
	// userPrefix begins the keys of users in Cockpit 2. It accepts these only among the users, and all others
	// only among the custom keys: a key in the wrong place was never valid, and does not become valid here.
	userPrefix = "USR-"

	maxLine = 200  // bytes of a name or ID, as in package keys
	maxInfo = 4096 // bytes, as in package roles
)

// A document is an object as Cockpit stores it: any member may be missing, null, or of another type than it should be.
type document map[string]any

// text returns a member that is a text. Missing and null are "". It is false for anything else.
func (d document) text(member string) (text string, ok bool) {
	if d[member] == nil {
		return "", true
	}
	text, ok = d[member].(string)
	return text, ok
}

// head reads the members that all documents have.
func (d document) head(name string) head {
	h := head{}
	if seconds, ok := d["_created"].(json.Number); ok {
		if n, err := seconds.Float64(); err == nil && n >= 1 && n < 1<<33 { // Cockpit writes no later time
			h.created = time.Unix(int64(n), 0).UTC()
		}
	}
	h.id, _ = d.text("_id")
	if h.id != oneLine(h.id, maxLine) {
		h.id = ""
	}
	h.name, _ = d.text(name)
	return h
}

// role reads the member that names a role. What cannot be one is none: nothing is trimmed until it fits.
func (d document) role(member string, h *head) string {
	role, ok := d.text(member)
	if !ok || role != "" && !roles.ValidAppID(role) {
		h.note("its %s is not the appid of a role: it comes without one", member)
		return ""
	}
	return role
}

func readRole(d document) roleDocument {
	r := roleDocument{head: d.head("name")}
	appid, ok := d.text("appid")
	if !ok || appid == "" || appid != oneLine(appid, maxLine) {
		r.refuse("it has no appid, or one that is not a line of text")
		appid = ""
	}
	info, _ := d.text("info")
	r.role = roles.Role{AppID: appid, Info: info, Permissions: roles.Grants{}}
	if list, ok := d["inherits"].([]any); ok { // not of Cockpit's: our own JSON of a role has it
		for _, from := range list {
			text, ok := from.(string)
			if !ok {
				r.refuse("it inherits from what is no appid")
			}
			r.role.Inherits = append(r.role.Inherits, text)
		}
	}
	switch permissions := d["permissions"].(type) {
	case nil:
	case map[string]any:
		for permission, value := range permissions {
			switch {
			case value != true:
				r.leaves = append(r.leaves, leftOut{permission, "its value is not true"})
				if len(r.role.Inherits) > 0 {
					r.refuse("it inherits, and has a permission that is not true: without that it could do more than was meant")
				}
			case !roles.ValidPermission(permission):
				r.leaves = append(r.leaves, leftOut{permission, "it is no permission"})
			default:
				r.role.Permissions[permission] = true
			}
		}
	case []any: // PHP writes an empty object so
		if len(permissions) > 0 {
			r.note("its permissions are a list: they grant nothing")
		}
	default:
		r.note("its permissions are no object: they grant nothing")
	}
	slices.SortFunc(r.leaves, func(a, b leftOut) int { return strings.Compare(a.permission, b.permission) })
	return r
}

// readUser reads a user, and the key if there is one, whose text must begin with prefix.
func readUser(d document, roleMember, keyMember, prefix string) (userDocument, *keyDocument) {
	u := userDocument{head: d.head("user")}
	if u.id == "" {
		u.refuse("it has no _id, which is to be a line of text")
	}
	u.user = User{ID: u.id, Login: u.name, CreatedAt: u.created, Role: d.role(roleMember, &u.head)}
	u.user.Name, _ = d.text("name")
	u.user.Email, _ = d.text("email")
	if hash, _ := d.text("password"); hash != "" {
		u.user.password = func() string { return hash }
	}
	active, ok := d["active"].(bool)
	if u.user.Active = active; !ok {
		u.note("its active is neither true nor false: it comes in as inactive")
	}
	text, ok := d.text(keyMember)
	if ok && text == "" {
		return u, nil
	}
	k := &keyDocument{head: head{id: u.id, name: u.name, created: u.created}, kind: keys.KindUser, userID: u.id, text: text}
	switch {
	case !ok:
		k.refuse("its text is no text")
	case !strings.HasPrefix(text, prefix):
		k.refuse("a user's key begins with %s", prefix)
	}
	return u, k
}

// readKey reads a custom key.
func readKey(d document) keyDocument {
	k := keyDocument{head: d.head("name"), kind: keys.KindCustom, owner: -1}
	text, ok := d.text("key")
	switch {
	case !ok:
		k.refuse("its text is no text")
	case text == "":
		k.refuse("it has no text")
	case strings.HasPrefix(text, userPrefix):
		k.refuse("it begins with %s as a user's, so that Cockpit never knew it", userPrefix)
	case k.id == "":
		k.refuse("it has no _id by which to know it again")
	}
	k.text, k.role = text, d.role("role", &k.head)
	return k
}

// oneLine returns text without control characters, and cut to this many bytes.
func oneLine(text string, most int) string {
	return cut(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD")), most)
}

// paragraph is oneLine for a text that may have several.
func paragraph(text string, most int) string {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		lines = append(lines, oneLine(strings.ReplaceAll(line, "\t", " "), most))
	}
	return cut(strings.Join(lines, "\n"), most)
}

// cut returns the whole runes of text that fit into this many bytes.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}

// odd returns the entry of a row that is not a document.
func odd(what What, row int) Entry {
	return Entry{What: what, Verdict: VerdictRefused, Reason: fmt.Sprintf("row %d is no JSON object", row)}
}

// A reader takes in documents of Cockpit 2, one after the other.
type reader struct {
	d      documents
	owned  []keyDocument // keys of users
	custom []keyDocument
	opened bool // a document of the public API was there
}

// take takes in one document of a table; nil is a row that is none.
func (r *reader) take(table string, row int, d document) {
	if d == nil {
		kind := map[string]What{"roles": AboutRole, "users": AboutUser, "api_keys": AboutKey}[table]
		r.d.odd = append(r.d.odd, odd(kind, row))
		return
	}
	switch table {
	case "roles":
		r.d.roles = append(r.d.roles, readRole(d))
	case "users":
		r.takeUser(readUser(d, "role", "apiKey", userPrefix))
	case "api_keys":
		if d["key"] == publicKey {
			r.open(d)
			return
		}
		r.custom = append(r.custom, readKey(d))
	}
}

func (r *reader) takeUser(u userDocument, k *keyDocument) {
	r.d.users = append(r.d.users, u)
	if k != nil {
		k.owner = len(r.d.users) - 1
		r.owned = append(r.owned, *k)
	}
}

// open takes in a document of the public API. Where there are several, all must mean the same.
func (r *reader) open(d document) {
	public := &r.d.public
	role, ok := d.text("role")
	if !ok || role != "" && !roles.ValidAppID(role) {
		public.refused, role = "its role is not the appid of a role", ""
	}
	if r.opened && role != public.role {
		public.refused = "two documents give different roles"
	} else {
		public.role = role
	}
	public.said, r.opened = true, true
}

// source ends reading.
func (r *reader) source() *Source {
	r.d.keys = append(r.owned, r.custom...)
	return r.d.seal()
}
