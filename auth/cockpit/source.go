package cockpit

import (
	"fmt"
	"slices"
	"time"

	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// A Source holds the documents that were read from Cockpit, with the keys in clear: drop it after the import. Printing,
// logging or marshaling it shows only how many documents there are. It does not change, and may be used concurrently.
// Get it from [ReadSQL], [ReadJSON] or [ReadV1].
type Source struct {
	// read gives the documents. It is a function because package fmt and its like look into everything else, through
	// pointers too, and show no more of a function than its address.
	read func() *documents
}

func (s *Source) documents() *documents {
	if s == nil || s.read == nil {
		return nil
	}
	return s.read()
}

// documents are the contents of a Source, in row order.
type documents struct {
	roles  []*roleDocument
	users  []*userDocument
	keys   []*keyDocument // of users, then custom ones
	public publicDocument
	odd    []Entry // rows that are not documents

	// rolesHere: there are no role documents, so names of roles mean those of the stores. Cockpit 1.
	rolesHere bool
}

// A head has the members that all documents have.
type head struct {
	what    What
	id      string // Cockpit's _id; of a sealed role the appid
	name    string // for people
	created time.Time
	refused string   // why it cannot be taken, or ""
	notes   []string // the members that were left out or replaced, with the reason
}

func (h *head) note(format string, args ...any) {
	h.notes = append(h.notes, fmt.Sprintf(format, args...))
}

// refuse keeps the first reason.
func (h *head) refuse(format string, args ...any) {
	if h.refused == "" {
		h.refused = fmt.Sprintf(format, args...)
	}
}

type roleDocument struct {
	head
	role   roles.Role
	leaves map[string]string // the permissions that are not taken, with the reason
}

type userDocument struct {
	head
	user User // its Role is that of the document
}

type keyDocument struct {
	head
	kind   keys.Kind
	userID string
	text   string
	role   string        // that of the document
	owner  *userDocument // nil: a custom key
	twice  bool          // an earlier key has this text
}

// A publicDocument is the setting of the public API. Role "" is closed.
type publicDocument struct {
	head
	said bool // something was read that would have told
	role string
}

// A User is a user of Cockpit's, as a host's own table of users may want it. Its key is not part of it.
type User struct {
	ID        string // Cockpit's _id, and the UserID of the imported key
	Login     string // the name to sign in with
	Name      string // for people
	Email     string
	Role      string // appid; "" may do nothing
	Active    bool   // false: a guard refuses the user's key
	CreatedAt time.Time

	password func() string // nil is none; see Source.read
}

// PasswordHash returns the bcrypt hash ("$2y$…") of the user's password, or "". Nothing else shows it.
func (u User) PasswordHash() string {
	if u.password == nil {
		return ""
	}
	return u.password()
}

// String says how much there is.
func (s *Source) String() string {
	d := s.documents()
	if d == nil {
		return "cockpit: nothing"
	}
	return fmt.Sprintf("cockpit: %d roles, %d users, %d keys", len(d.roles), len(d.users), len(d.keys))
}

// Users returns the users that can be taken, in row order. One whose role has no document has none; of users of
// Cockpit 1 it is their group.
func (s *Source) Users() []User {
	d := s.documents()
	if d == nil {
		return nil
	}
	there := map[string]bool{roles.Admin: true}
	for _, r := range d.roles {
		if r.refused == "" {
			there[r.role.AppID] = true
		}
	}
	var users []User
	for _, u := range d.users {
		if u.refused != "" {
			continue
		}
		user := u.user
		if !d.rolesHere && !there[user.Role] {
			user.Role = ""
		}
		users = append(users, user)
	}
	return slices.Clip(users)
}
