package auth

import (
	"slices"

	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// Kind is the kind of a principal.
type Kind string

const (
	KindNone      Kind = ""          // the zero Principal
	KindPublic    Kind = "anonymous" // no credential; has the public role
	KindUserKey   Kind = "user"      // authenticated by a user key
	KindCustomKey Kind = "custom"    // authenticated by a custom key
	KindSignedIn  Kind = "session"   // signed in with the host
	KindRole      Kind = "role"      // made by the host; see Guard.PrincipalForRole
)

// A Principal is the identity that a request acts for. It is small, comparable and immutable, and holds no key. It
// belongs to the guard that made it. The zero Principal has no permissions.
type Principal struct {
	key     keys.Verified
	subject *subject
}

// A subject is the part of a principal that is not the key. All requests of a guard with custom keys share one. It is
// immutable.
type subject struct {
	guard *Guard
	kind  Kind
	user  User
	role  string // of KindPublic and KindRole
}

// Kind returns the kind of the principal.
func (p Principal) Kind() Kind {
	if p.subject == nil {
		return KindNone
	}
	return p.subject.kind
}

// Authenticated reports whether the caller proved an identity: its kind is neither KindNone nor KindPublic.
func (p Principal) Authenticated() bool {
	k := p.Kind()
	return k != KindNone && k != KindPublic
}

// Role returns the appid of the role that the principal had when it was authenticated; "" is no role.
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

// UserID returns the ID of the user of a user key or a sign-in, else "".
func (p Principal) UserID() string {
	if p.subject == nil {
		return ""
	}
	return p.subject.user.ID
}

// Name returns the display name: the user's or the custom key's.
func (p Principal) Name() string {
	switch p.Kind() {
	case KindCustomKey:
		return p.key.Name()
	case KindUserKey, KindSignedIn:
		return p.subject.user.Name
	}
	return ""
}

// KeyID returns the ID of the key's record, or "" without a key. It is not a secret.
func (p Principal) KeyID() string { return p.key.ID() }

// Key returns a view of the key's record; it is zero without a key.
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
	return "none"
}
