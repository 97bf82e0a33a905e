package adminapi

import (
	"cmp"
	"net/http"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/keys"
)

type userJSON struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Role   string `json:"role"`
	Active bool   `json:"active"`
}

func userAsJSON(u *auth.User) userJSON { return userJSON(*u) }

// ofUser returns the operation that calls f with the user whose key a request is about: the one in the path or, below
// /me, the caller.
func ofUser(f func(w http.ResponseWriter, r *http.Request, p auth.Principal, userID string) error) operation {
	return func(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
		userID := cmp.Or(r.PathValue("id"), p.UserID())
		if userID == "" { // a custom key, for example, belongs to no user
			return &admin.Error{Err: admin.ErrForbidden, Text: "only users have a key of their own"}
		}
		return f(w, r, p, userID)
	}
}

func (a *api) listUsers(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	q := r.URL.Query()
	limit, err := limit(q)
	if err != nil {
		return err
	}
	f := admin.UserFilter{Text: q.Get("q"), Role: q.Get("role"), After: q.Get("after"), Limit: limit}
	found, next, err := a.Users(r.Context(), p, f)
	return show(w, page[userJSON]{eachOf(found, userAsJSON), next}, err)
}

func (a *api) getUserKey(w http.ResponseWriter, r *http.Request, p auth.Principal, userID string) error {
	rec, err := a.UserKey(r.Context(), p, userID)
	return showKey(w, &rec, err)
}

func (a *api) createUserKey(w http.ResponseWriter, r *http.Request, p auth.Principal, userID string) error {
	var b keyBody
	fields := b.fields()
	delete(fields, "role") // a user key has the role of its user
	if _, err := b.read(w, r, true, fields); err != nil {
		return err
	}
	issued, err := a.CreateUserKey(r.Context(), p, userID, keys.User{
		Name: b.name, Scopes: b.scopes, AllowedIPs: b.networks(), ExpiresAt: b.expiresAt,
	})
	return showIssued(w, http.StatusCreated, &issued, err)
}

func (a *api) refreshUserKey(w http.ResponseWriter, r *http.Request, p auth.Principal, userID string) error {
	rn, match, err := renewal(w, r)
	if err != nil {
		return err
	}
	rec, err := a.UserKey(r.Context(), p, userID)
	if err != nil {
		return err
	}
	issued, err := a.RefreshKey(r.Context(), p, rec.ID, match, rn)
	return showIssued(w, http.StatusOK, &issued, err)
}

// refreshOwnKey refreshes the user's key of the caller, or the custom key that the caller presents.
func (a *api) refreshOwnKey(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	if p.Kind() == auth.KindCustomKey {
		r.SetPathValue("id", p.KeyID())
		return a.refreshKey(w, r, p)
	}
	return ofUser(a.refreshUserKey)(w, r, p)
}

func (a *api) invalidateUserKeys(w http.ResponseWriter, r *http.Request, p auth.Principal, userID string) error {
	invalidate := func(r *http.Request, p auth.Principal, match admin.Tag) error {
		_, err := a.InvalidateUserKeys(r.Context(), p, userID, match)
		return err
	}
	return removal(invalidate).serve(w, r, p)
}
