package console

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/keys"
)

// A usersPage is the list of users.
type usersPage struct {
	Users []auth.User
	Text  string
	Next  string
}

func (v *visit) showUsers() error {
	q := v.r.URL.Query()
	body := usersPage{Text: q.Get("q")}
	var err error
	body.Users, body.Next, err = v.service.Users(v.r.Context(), v.who, admin.UserFilter{Text: body.Text, After: q.Get("after")})
	switch {
	case errors.Is(err, admin.ErrNotFound):
		v.refuse(http.StatusNotFound, &alert{Title: "Users are not listed here", Text: "This application does not tell who its users are."})
		return nil
	case err != nil:
		return err
	}
	return v.show("users", "Users", body)
}

// A userKey is the page about the key of one user.
type userKey struct {
	Own   bool
	User  auth.User
	Page  string // the address of this page
	Key   *keyRow
	Match admin.Tag
	Form  keyForm // of a new key
}

// owner returns the page of the user whose key the request is about.
func (v *visit) owner() userKey {
	if id := v.r.PathValue("id"); id != "" && id != v.who.UserID() {
		return userKey{User: auth.User{ID: id, Name: id}, Page: "users/user/" + url.PathEscape(id)}
	}
	return userKey{Own: true, Page: "users/user", User: auth.User{ID: v.who.UserID(), Name: v.who.Name(), Role: v.who.Role()}}
}

// showUserKey shows the key of a user, or the form for a new one as it was sent.
func (v *visit) showUserKey() error {
	body := v.owner()
	body.Form = v.sentKey()
	rec, err := v.service.UserKey(v.r.Context(), v.who, body.User.ID)
	switch {
	case err == nil:
		row := rowOf(rec)
		body.Key, body.Match = &row, admin.Revision(&rec)
	case !errors.Is(err, admin.ErrNotFound):
		return err
	}
	heading := "My key"
	if !body.Own {
		if body.User, err = v.service.User(v.r.Context(), v.who, body.User.ID); err != nil {
			return err
		}
		body.User.Name = cmp.Or(body.User.Name, body.User.ID)
		heading = "Key of " + body.User.Name
	}
	return v.show("userkey", heading, body)
}

func (v *visit) createUserKey() (string, error) {
	of := v.owner()
	var set keys.Settings
	if err := v.sentKey().settings(&set); err != nil {
		return "", err
	}
	v.making.Lock()
	defer v.making.Unlock()
	// A ring may let users have several keys. These pages show one, so a second one means a form that was sent twice.
	_, err := v.service.UserKey(v.r.Context(), v.who, of.User.ID)
	if err == nil {
		err = admin.ErrConflict
	}
	if !errors.Is(err, admin.ErrNotFound) {
		return "", err
	}
	issued, err := v.service.CreateUserKey(v.r.Context(), v.who, of.User.ID,
		keys.User{Name: set.Name, Scopes: set.Scopes, AllowedIPs: set.AllowedIPs, ExpiresAt: set.ExpiresAt})
	return v.showNewKey(newKey{Page: of.Page}, issued, err)
}

func (v *visit) refreshUserKey() (string, error) {
	of := v.owner()
	rec, err := v.service.UserKey(v.r.Context(), v.who, of.User.ID)
	if err != nil {
		return "", err
	}
	issued, err := v.service.RefreshKey(v.r.Context(), v.who, rec.ID, v.mustMatch(), keys.Renewal{})
	return v.showNewKey(newKey{Page: of.Page, Refreshed: true}, issued, err)
}

func (v *visit) invalidateUserKey() (string, error) {
	of := v.owner()
	_, err := v.service.InvalidateUserKeys(v.r.Context(), v.who, of.User.ID, v.match())
	return of.Page + "?done=invalidated", err
}
