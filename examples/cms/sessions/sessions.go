// Package sessions remembers in a cookie who has signed in to the example CMS.
//
// The sessions themselves are scs's, kept in a table of the CMS's database, so that they survive a restart and hold on
// every node. The table holds digests of the cookies' tokens. [Sessions.User] is what the guard asks as its SignedIn.
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

// New returns the sessions in the database of store, which must have the table of [Schema]. With secure, browsers send
// the cookie over TLS alone.
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
		m.Cookie.Name = "__Host-cms_session" // browsers take it from no other host, and over TLS alone
	}
	return &Sessions{m, table}
}

// What a session holds.
const (
	userID = "user"
	epoch  = "epoch" // of the user's password
)

// User says who has signed in, for [auth.Config.SignedIn]: "" is nobody, an error a store in trouble. A session is over
// when its time is up, when its user is deactivated or gone, and when they got another password.
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

// Begin starts a session of a user, with a token that nobody has seen before, in place of any that the browser has.
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

// drop ends all sessions that the browser shows: of two, of which none counts, one is its user's.
func (s *Sessions) drop(r *http.Request) error {
	for _, cookie := range r.CookiesNamed(s.manager.Cookie.Name) {
		ctx, err := s.manager.Load(r.Context(), cookie.Value)
		if err != nil {
			return err
		}
		if s.manager.Token(ctx) == "" {
			continue // there is no such session
		}
		if err := s.manager.Destroy(ctx); err != nil {
			return err
		}
	}
	return nil
}

// load reads the session of r's cookie. What is no token of ours is an empty session. So are two cookies of the name:
// cookies have no ports, so whatever else runs on this host can set one beside ours, and put somebody into a session
// that is not theirs.
func (s *Sessions) load(r *http.Request) (context.Context, error) {
	token := ""
	if cookies := r.CookiesNamed(s.manager.Cookie.Name); len(cookies) == 1 {
		token = cookies[0].Value
	}
	return s.manager.Load(r.Context(), token)
}
