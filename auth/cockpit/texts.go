package cockpit

import (
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

// texts are the texts of all keys, to keep them out of the stores and the report.
type texts struct {
	all     map[string]bool
	lengths []int
}

func (t *texts) add(text string) {
	if len(text) < leastText {
		return
	}
	text = text[:min(len(text), mostText)]
	t.all[text] = true
	if !slices.Contains(t.lengths, len(text)) {
		t.lengths = append(t.lengths, len(text))
	}
}

// in reports whether s contains any of the texts. It takes time in proportion to the length of s times the
// number of different lengths.
func (t *texts) in(s string) bool {
	for _, n := range t.lengths {
		for at := 0; at+n <= len(s); at++ {
			if t.all[s[at:at+n]] {
				return true
			}
		}
	}
	return false
}

// seal makes documents safe to write and report: it removes the texts of keys from everything else, makes names single
// lines, and finds duplicate keys and documents. It is the last step of reading.
func (d *documents) seal() *Source {
	known := &texts{all: map[string]bool{}}
	for i := range d.keys {
		known.add(d.keys[i].text)
	}
	for i := range d.roles {
		known.sealRole(&d.roles[i])
	}
	ids, first := map[string]bool{}, map[string]bool{}
	for i := range d.users {
		u := &d.users[i]
		known.sealUser(u)
		if ids[u.id] && u.id != "" {
			u.refuse("an earlier user has this _id")
		}
		ids[u.id] = true
	}
	for i := range d.keys {
		k := &d.keys[i]
		known.sealKey(k)
		if k.owner < 0 && k.id != "" {
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
	if known.in(d.public.role) {
		d.public.role = ""
		d.public.refused = "the role's name holds the text of a key"
	}
	return &Source{func() *documents { return d }}
}

// seal seals the members that all documents have. other replaces a name that contains a key.
func (t *texts) seal(h *head, other string) {
	if t.in(h.id) {
		h.id, other = "", ""
		h.refuse("its _id holds the text of a key")
	}
	whole := oneLine(h.name, maxLine+mostText)
	if h.name = oneLine(whole, maxLine); t.in(whole) {
		h.name = other
		h.note("its name holds the text of a key and is not taken")
	}
}

func (t *texts) sealRole(r *roleDocument) {
	if t.in(r.role.AppID) {
		r.role.AppID = ""
		r.refuse("its appid holds the text of a key")
	}
	t.seal(&r.head, r.role.AppID)
	r.role.Name = r.name
	info := paragraph(r.role.Info, maxInfo+mostText)
	if r.role.Info = paragraph(info, maxInfo); t.in(info) {
		r.role.Info = ""
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
	for _, l := range r.leaves {
		r.note("left out %q: %s", t.show(l.permission), l.why)
	}
	r.leaves = nil
}

// show returns a text of the source in a form that is safe to report.
func (t *texts) show(text string) string {
	whole := oneLine(text, maxLine+mostText)
	if t.in(whole) {
		return hidden
	}
	return oneLine(whole, maxLine)
}

func (t *texts) sealUser(u *userDocument) {
	t.seal(&u.head, u.id)
	if t.in(u.user.ID) {
		u.user.ID = ""
	}
	u.user.Login = u.name
	for _, field := range []*string{&u.user.Name, &u.user.Email} {
		whole := oneLine(*field, maxLine+mostText)
		if *field = oneLine(whole, maxLine); t.in(whole) {
			*field = ""
			u.note("its name or email holds the text of a key and is not taken")
		}
	}
	t.sealOf(&u.user.Role, &u.head)
}

// sealOf seals the role that a user or a key has.
func (t *texts) sealOf(role *string, h *head) {
	if t.in(*role) {
		*role = ""
		h.note("the name of its role holds the text of a key: it comes without one")
	}
}

func (t *texts) sealKey(k *keyDocument) {
	t.seal(&k.head, k.id)
	if t.in(k.userID) {
		k.userID = ""
	}
	if k.text != "" && strings.Contains(k.name, k.text) {
		k.name = k.id
		k.note("its name gives it away and is not taken")
	}
	t.sealOf(&k.role, &k.head)
	if strings.ContainsRune(k.text, utf8.RuneError) { // the JSON decoder replaces bytes that are not UTF-8
		k.refuse("its text is not UTF-8, so that Cockpit never knew it")
	}
	if k.kind == keys.KindUser && k.id == "" {
		k.refuse("its user has no _id")
	}
}
