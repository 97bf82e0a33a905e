package cockpit

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/latchkey-go/latchkey/roles"
)

const (
	// publicKey marks the document of the public API among the keys. It is not a key.
	publicKey = "public"
	// userPrefix begins the keys of users in Cockpit 2. It accepts these only among the users, and all others
	// only among the custom keys: a key in the wrong place was never valid, and does not become valid here.
	userPrefix = "USR-"
	// accountPrefix begins the keys of accounts in Cockpit 1.
	accountPrefix = "account-"

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
func (d document) head(what What, name string) head {
	h := head{what: what}
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

func readRole(d document) *roleDocument {
	r := &roleDocument{head: d.head(AboutRole, "name"), leaves: map[string]string{}}
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
				r.leaves[permission] = "its value is not true"
				if len(r.role.Inherits) > 0 {
					r.refuse("it inherits, and has a permission that is not true: without that it could do more than was meant")
				}
			case !roles.ValidPermission(permission):
				r.leaves[permission] = "it is no permission"
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
	return r
}

// takeUser takes in a user, and the key if there is one, whose text must begin with prefix.
func (r *reader) takeUser(d document, roleMember, keyMember, prefix string) {
	u := &userDocument{head: d.head(AboutUser, "user")}
	r.d.users = append(r.d.users, u)
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
		return
	}
	k := &keyDocument{head: head{what: AboutKey, id: u.id, name: u.name, created: u.created}, owner: u, text: text}
	r.owned = append(r.owned, k)
	switch {
	case !ok:
		k.refuse("its text is no text")
	case !strings.HasPrefix(text, prefix):
		k.refuse("a user's key begins with %s", prefix)
	}
}

// readKey reads a custom key.
func readKey(d document) *keyDocument {
	k := &keyDocument{head: d.head(AboutKey, "name")}
	text, ok := d.text("key")
	switch {
	case !ok:
		k.refuse("its text is no text")
	case text == "":
		k.refuse("it has no text")
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

// A reader takes in documents of Cockpit, one after the other.
type reader struct {
	d      documents
	owned  []*keyDocument // keys of users
	custom []*keyDocument
	opened bool // a document of the public API was there
}

// about names what the rows of a table are. The table cockpit of Cockpit 1 keeps other things as well.
var about = map[string]What{"roles": AboutRole, "users": AboutUser, "accounts": AboutUser, "api_keys": AboutKey}

// take takes in one document of a table; nil is a row that is none.
func (r *reader) take(table string, row int, d document) {
	switch {
	case d == nil && about[table] != "":
		r.d.odd = append(r.d.odd, odd(about[table], row))
	case table == "roles":
		r.d.roles = append(r.d.roles, readRole(d))
	case table == "users":
		r.takeUser(d, "role", "apiKey", userPrefix)
	case table == "accounts":
		r.takeUser(d, "group", "api_key", accountPrefix)
	case table == "api_keys" && d["key"] == publicKey:
		r.open(d)
	case table == "api_keys":
		k := readKey(d)
		if strings.HasPrefix(k.text, userPrefix) {
			k.refuse("it begins with %s as a user's, so that Cockpit never knew it", userPrefix)
		}
		r.custom = append(r.custom, k)
	case table == "cockpit" && d["key"] == "api_keys":
		kept, _ := d["val"].(map[string]any)
		r.takeKept(kept)
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
