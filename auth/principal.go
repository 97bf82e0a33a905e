package auth

import (
	"slices"

	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// Kind says what a principal is.
type Kind string

const (
	KindNone      Kind = ""          // the zero Principal
	KindPublic    Kind = "anonymous" // showed nothing and got the public role
	KindUserKey   Kind = "user"      // showed a user key
	KindCustomKey Kind = "custom"    // showed a custom key
	KindSignedIn  Kind = "session"   // showed nothing of ours; the host knows the user
	KindRole      Kind = "role"      // made by the host itself; see Guard.PrincipalForRole
)

// A Principal is who a request speaks for. It is small, comparable and never changes; it holds no key. It
// belongs to the guard that made it. The zero Principal is nobody and may do nothing.
type Principal struct {
	key     keys.Verified
	subject *subject
}

// A subject is the part of a principal that is not the key. For custom keys, all requests of a guard share
// one; nothing in it changes once it is made.
type subject struct {
	guard *Guard
	kind  Kind
	user  User
	role  string // of Public and AsRole
}

// Kind says what the principal is.
func (p Principal) Kind() Kind {
	if p.subject == nil {
		return KindNone
	}
	return p.subject.kind
}

// Authenticated reports whether the caller proved who they are: not nobody, and not just anybody.
func (p Principal) Authenticated() bool {
	k := p.Kind()
	return k != KindNone && k != KindPublic
}

// Role returns the appid of the role that the principal had when it was found out; "" is no role.
func (p Principal) Role() string {
	switch p.Kind() {
	case KindCustomKey:
		return p.key.Role()
	case KindUserKey, KindSignedIn:
		return p.subject.user.Role
	case KindPublic, KindRole:
		return p.subject.role
	}
	return ""
}

// Rights returns the role together with the key's scopes, which narrow it.
func (p Principal) Rights() roles.Rights {
	return roles.Rights{Role: p.Role(), Scopes: slices.Collect(p.key.Scopes())}
}

// UserID returns the ID of the user behind a user key or a session, else "".
func (p Principal) UserID() string {
	if p.subject == nil {
		return ""
	}
	return p.subject.user.ID
}

// Name returns what people call the principal: the user's name or the custom key's.
func (p Principal) Name() string {
	switch p.Kind() {
	case KindCustomKey:
		return p.key.Name()
	case KindUserKey, KindSignedIn:
		return p.subject.user.Name
	}
	return ""
}

// KeyID returns the ID of the record of the key that was shown, else "". It is not a secret.
func (p Principal) KeyID() string { return p.key.ID() }

// Key returns a view of the key's record: zero unless a key was shown.
func (p Principal) Key() keys.Verified { return p.key }

// String describes the principal for people and logs.
func (p Principal) String() string {
	switch p.Kind() {
	case KindUserKey:
		return "user " + p.UserID() + " by key " + p.KeyID()
	case KindCustomKey:
		return "key " + p.KeyID()
	case KindSignedIn:
		return "user " + p.UserID()
	case KindPublic:
		return "anonymous"
	case KindRole:
		return "role " + p.subject.role
	}
	return "nobody"
}
