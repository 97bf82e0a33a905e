// Package sessions stores in a cookie which user has signed in to the example CMS.
//
// The sessions are scs's, in a table of the CMS's database, so that they survive a restart and work on every node.
// The table holds digests of the cookies' tokens. Pass [Sessions.User] to the guard as SignedIn.
package sessions

import (
	"context"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/examples/cms/users"
)

const lifetime = 12 * time.Hour

// Sessions may be used concurrently.
type Sessions struct {
	manager *scs.SessionManager
	users   *users.Table
}

// New returns the sessions in the database of store, which must have the table of [Schema]. With secure, browsers
// send the cookie over TLS only.
func New(store *sqlstore.Store, table *users.Table, secure bool) *Sessions {
	m := scs.New()
	m.Store = &rows{store}
	m.HashTokenInStore = true
	m.Lifetime = lifetime
	m.Cookie.Name = "cms_session"
	m.Cookie.HttpOnly = true
	m.Cookie.SameSite = http.SameSiteLaxMode
	if secure {
		m.Cookie.Secure = true
		m.Cookie.Name = "__Host-cms_session" // browsers accept it from this host only, and over TLS only
	}
	return &Sessions{m, table}
}

// The values in a session.
const (
	userID = "user"
	epoch  = "epoch" // of the user's password
)

// User returns the signed-in user, for [auth.Config.SignedIn]: "" if there is none; an error is a store failure. A
// session ends when its time is up, when its user is deactivated or deleted, and when the user's password changes.
func (s *Sessions) User(r *http.Request) (string, error) {
	ctx, err := s.load(r)
	if err != nil {
		return "", err
	}
	id := s.manager.GetString(ctx, userID)
	if id == "" {
		return "", nil
	}
	still, err := s.users.StillSignedIn(ctx, id, s.manager.GetInt64(ctx, epoch))
	if err != nil || !still {
		return "", err
	}
	return id, nil
}

// Begin starts a session of a user with a new token, and ends the one that the browser has.
func (s *Sessions) Begin(w http.ResponseWriter, r *http.Request, id string, passwordEpoch int64) error {
	if err := s.drop(r); err != nil {
		return err
	}
	ctx, err := s.manager.Load(r.Context(), "")
	if err != nil {
		return err
	}
	s.manager.Put(ctx, userID, id)
	s.manager.Put(ctx, epoch, passwordEpoch)
	token, expiry, err := s.manager.Commit(ctx)
	if err != nil {
		return err
	}
	s.manager.WriteSessionCookie(ctx, w, token, expiry)
	return nil
}

// End ends the browser's session, if it has one.
func (s *Sessions) End(w http.ResponseWriter, r *http.Request) error {
	if err := s.drop(r); err != nil {
		return err
	}
	s.manager.WriteSessionCookie(r.Context(), w, "", time.Time{})
	return nil
}

// drop ends all sessions in the request: if there are two, neither is valid, but one is the user's own.
func (s *Sessions) drop(r *http.Request) error {
	for _, cookie := range r.CookiesNamed(s.manager.Cookie.Name) {
		ctx, err := s.manager.Load(r.Context(), cookie.Value)
		if err != nil {
			return err
		}
		if s.manager.Token(ctx) == "" {
			continue // no such session
		}
		if err := s.manager.Destroy(ctx); err != nil {
			return err
		}
	}
	return nil
}

// load reads the session of r's cookie. A token that is not ours is an empty session. So are two cookies of the name:
// cookies ignore ports, so another program on this host can set a second one and put a user into a session that is
// not theirs.
func (s *Sessions) load(r *http.Request) (context.Context, error) {
	token := ""
	if cookies := r.CookiesNamed(s.manager.Cookie.Name); len(cookies) == 1 {
		token = cookies[0].Value
	}
	return s.manager.Load(r.Context(), token)
}
