package console

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/keys"
)

func (c *console) userRoutes() {
	for _, base := range []string{"/users/user", "/users/user/{id}"} {
		c.handle("GET "+base, func(v *visit) error { return v.showUserKey(http.StatusOK, nil) })
		c.handlePost(base, map[string]func(*visit) error{
			"create": (*visit).createUserKey, "refresh": (*visit).refreshUserKey, "invalidate": (*visit).invalidateUserKey,
		})
	}
	c.handle("GET /users", (*visit).showUsers)
}

// A userKey is the page about the key of one user.
type userKey struct {
	Own   bool
	User  auth.User
	Page  string // the address of this page
	Key   *keyRow
	Match string
}

// owner is the user whose key a page is about.
func (v *visit) owner() userKey {
	if id := v.r.PathValue("id"); id != "" && id != v.who.UserID() {
		return userKey{User: auth.User{ID: id, Name: id}, Page: "users/user/" + url.PathEscape(id)}
	}
	return userKey{Own: true, Page: "users/user", User: auth.User{ID: v.who.UserID(), Name: v.who.Name(), Role: v.who.Role()}}
}

func (v *visit) showUserKey(status int, why *alert) error {
	body := v.owner()
	rec, err := v.service.UserKey(v.r.Context(), v.who, body.User.ID)
	switch {
	case err == nil:
		row := rowOf(rec)
		body.Key, body.Match = &row, admin.KeyRevision(&rec)
	case !errors.Is(err, admin.ErrNotFound):
		return err
	}
	heading := "My key"
	if !body.Own {
		if err := v.find(&body.User); err != nil {
			return err
		}
		heading = "Key of " + body.User.Name
	}
	return v.show(status, "userkey", page{Heading: heading, Alert: why, Body: body})
}

// find fills in what the host knows about a user.
func (v *visit) find(user *auth.User) error {
	for f := (admin.UserFilter{Text: user.ID, Limit: 1000}); ; {
		page, next, err := v.service.Users(v.r.Context(), v.who, f)
		if err != nil {
			return err
		}
		for _, found := range page {
			if found.ID == user.ID {
				*user = found
				return nil
			}
		}
		if next == "" || next <= f.After {
			return admin.ErrNotFound
		}
		f.After = next
	}
}

func (v *visit) createUserKey() error {
	of := v.owner()
	issued, err := v.service.CreateUserKey(v.r.Context(), v.who, of.User.ID, keys.User{})
	if err != nil {
		return v.retry(err, v.showUserKey)
	}
	return v.showNewKey(issued, newKey{Page: of.Page})
}

func (v *visit) refreshUserKey() error {
	of := v.owner()
	issued, err := v.service.RefreshUserKey(v.r.Context(), v.who, of.User.ID, v.field("match"), keys.Renewal{})
	if err != nil {
		return v.retry(err, v.showUserKey)
	}
	return v.showNewKey(issued, newKey{Page: of.Page, Refreshed: true})
}

func (v *visit) invalidateUserKey() error {
	of := v.owner()
	if _, err := v.service.InvalidateUserKeys(v.r.Context(), v.who, of.User.ID, v.field("match")); err != nil {
		return v.retry(err, v.showUserKey)
	}
	return v.redirect(of.Page + "?done=invalidated")
}

// retry shows a page again, as it is now, with the reason why nothing was done. Trouble is no page's own.
func (v *visit) retry(err error, show func(status int, why *alert) error) error {
	status, why := explain(err)
	if status == http.StatusServiceUnavailable || status == http.StatusNotFound {
		return err
	}
	if again := show(status, &why); again != nil {
		return err // the page itself is not for this user, or is gone
	}
	return nil
}

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
	if body.Users, body.Next, err = v.service.Users(v.r.Context(), v.who, admin.UserFilter{Text: body.Text, After: q.Get("after")}); errors.Is(err, admin.ErrNotFound) {
		v.trouble(http.StatusNotFound, "Users are not listed here", "This application does not tell who its users are.")
		return nil
	} else if err != nil {
		return err
	}
	return v.show(http.StatusOK, "users", page{Heading: "Users", Body: body})
}

// A keyRow is a key as the pages show it: its record without digests.
type keyRow struct {
	ID, Name, Hint, UserID, Role, CreatedBy string
	Kind                                    keys.Kind
	State                                   keys.State
	Scopes                                  []string
	Networks                                []string
	CreatedAt, RefreshedAt, ExpiresAt       time.Time
	DisabledAt, InvalidatedAt, LastUsedAt   time.Time
	OldUntil                                time.Time // the value before a refresh is good until then
	Imported, Weak                          bool
}

func rowOf(rec keys.Record) keyRow {
	now := time.Now()
	row := keyRow{ID: rec.ID, Name: rec.Name, Hint: rec.Hint, UserID: rec.UserID, Role: rec.Role, CreatedBy: rec.CreatedBy,
		Kind: rec.Kind, State: rec.State(now), Scopes: rec.Scopes, CreatedAt: rec.CreatedAt, RefreshedAt: rec.RefreshedAt,
		ExpiresAt: rec.ExpiresAt, DisabledAt: rec.DisabledAt, InvalidatedAt: rec.InvalidatedAt, LastUsedAt: rec.LastUsedAt,
		Imported: rec.Legacy, Weak: rec.Weak}
	for _, network := range rec.AllowedIPs {
		row.Networks = append(row.Networks, network.String())
	}
	if rec.PreviousUntil.After(now) {
		row.OldUntil = rec.PreviousUntil
	}
	return row
}
