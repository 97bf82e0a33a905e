package cockpit

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/latchkey-go/latchkey/keys"
)

// leastText is the length, in bytes, of the shortest texts of keys that are looked for everywhere. Shorter ones, such as
// "news", occur elsewhere by chance.
const leastText = 8

// mostText bounds the number of lengths to look for: a string that contains a longer text contains its beginning. No key
// is longer. It is also how far to look beyond the end of a cut string, so that no first half of a key remains.
const mostText = 256

const hidden = "(hidden: it holds the text of a key)"

// texts are the texts of all keys by their length, to keep them out of the stores and the report.
type texts map[int]map[string]bool

func (t texts) add(text string) {
	if len(text) < leastText {
		return
	}
	text = text[:min(len(text), mostText)]
	if t[len(text)] == nil {
		t[len(text)] = map[string]bool{}
	}
	t[len(text)][text] = true
}

// in reports whether s contains any of the texts. It takes time in proportion to the length of s times the
// number of different lengths.
func (t texts) in(s string) bool {
	for n, known := range t {
		for at := 0; at+n <= len(s); at++ {
			if known[s[at:at+n]] {
				return true
			}
		}
	}
	return false
}

// clean shapes a text to at most this many bytes. It returns false, and leaves nothing of a text that contains a key.
func (t texts) clean(text *string, shape func(text string, most int) string, most int) bool {
	whole := shape(*text, most+mostText)
	if t.in(whole) {
		*text = ""
		return false
	}
	*text = shape(whole, most)
	return true
}

// seal makes documents safe to write and report: it removes the texts of keys from everything else, makes names single
// lines, and finds duplicate keys and documents. It is the last step of reading.
func (d *documents) seal() *Source {
	known := texts{}
	for _, k := range d.keys {
		known.add(k.text)
	}
	for _, r := range d.roles {
		known.sealRole(r)
	}
	ids, first := map[string]bool{}, map[string]bool{}
	for _, u := range d.users {
		known.sealUser(u)
		if ids[u.id] && u.id != "" {
			u.refuse("an earlier user has this _id")
		}
		ids[u.id] = true
	}
	for _, k := range d.keys {
		known.sealKey(k)
		if k.owner == nil && k.id != "" {
			if ids[k.id] {
				k.refuse("an earlier document has this _id")
			}
			ids[k.id] = true
		}
		if k.text != "" { // the first row wins, also if it is refused: no other row gets its key
			k.twice = first[k.text]
			first[k.text] = true
		}
	}
	public := &d.public
	if known.in(public.role) {
		public.role, public.refused = "", "the role's name holds the text of a key"
	}
	public.what, public.name = AboutPublic, public.role
	return &Source{func() *documents { return d }}
}

// seal seals the members that all documents have. other replaces a name that contains a key.
func (t texts) seal(h *head, other string) {
	if t.in(h.id) {
		h.id, other = "", ""
		h.refuse("its _id holds the text of a key")
	}
	if !t.clean(&h.name, oneLine, maxLine) {
		h.name = other
		h.note("its name holds the text of a key and is not taken")
	}
}

func (t texts) sealRole(r *roleDocument) {
	if t.in(r.role.AppID) {
		r.role.AppID = ""
		r.refuse("its appid holds the text of a key")
	}
	t.seal(&r.head, r.role.AppID)
	r.id, r.role.Name = r.role.AppID, r.name
	if !t.clean(&r.role.Info, paragraph, maxInfo) {
		r.note("its info holds the text of a key and is not taken")
	}
	for permission := range r.role.Permissions {
		if t.in(permission) {
			delete(r.role.Permissions, permission)
			r.note("left out a permission %s", hidden)
		}
	}
	if slices.ContainsFunc(r.role.Inherits, t.in) {
		r.refuse("it inherits from a role of which the name holds the text of a key")
		r.role.Inherits = nil
	}
	for _, permission := range slices.Sorted(maps.Keys(r.leaves)) {
		why := r.leaves[permission]
		if !t.clean(&permission, oneLine, maxLine) {
			permission = hidden
		}
		r.note("left out %q: %s", permission, why)
	}
	r.leaves = nil
}

func (t texts) sealUser(u *userDocument) {
	t.seal(&u.head, u.id)
	u.user.ID, u.user.Login = u.id, u.name
	for _, field := range []*string{&u.user.Name, &u.user.Email} {
		if !t.clean(field, oneLine, maxLine) {
			u.note("its name or email holds the text of a key and is not taken")
		}
	}
	t.sealOf(&u.user.Role, &u.head)
}

// sealOf seals the role that a user or a key has.
func (t texts) sealOf(role *string, h *head) {
	if t.in(*role) {
		*role = ""
		h.note("the name of its role holds the text of a key: it comes without one")
	}
}

func (t texts) sealKey(k *keyDocument) {
	t.seal(&k.head, k.id)
	if k.text != "" && strings.Contains(k.name, k.text) {
		k.name = k.id
		k.note("its name gives it away and is not taken")
	}
	t.sealOf(&k.role, &k.head)
	if strings.ContainsRune(k.text, utf8.RuneError) { // the JSON decoder replaces bytes that are not UTF-8
		k.refuse("its text is not UTF-8, so that Cockpit never knew it")
	}
	if k.kind = keys.KindCustom; k.owner != nil {
		k.kind, k.userID = keys.KindUser, k.id
		if k.id == "" {
			k.refuse("its user has no _id")
		}
	}
}
