package admin

import (
	"net/http"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/keys"
)

type userJSON struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Role   string `json:"role"`
	Active bool   `json:"active"`
}

func usersAsJSON(users []auth.User) []userJSON {
	list := []userJSON{}
	for _, u := range users {
		list = append(list, userJSON(u))
	}
	return list
}

func (a *api) userRoutes() {
	a.handle("GET /users", a.listUsers)
	for prefix, whose := range map[string]func(*http.Request, auth.Principal) (string, error){
		"/users/{id}/key": func(r *http.Request, _ auth.Principal) (string, error) { return r.PathValue("id"), nil },
		"/me/key": func(_ *http.Request, p auth.Principal) (string, error) {
			if p.UserID() == "" { // a custom key, say: it belongs to nobody
				return "", &ForbiddenError{text: "only users have a key of their own"}
			}
			return p.UserID(), nil
		},
	} {
		handle := func(pattern string, f func(w http.ResponseWriter, r *http.Request, p auth.Principal, userID string) error) {
			a.handle(pattern, func(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
				userID, err := whose(r, p)
				if err != nil {
					return err
				}
				return f(w, r, p, userID)
			})
		}
		handle("GET "+prefix, a.getUserKey)
		handle("POST "+prefix, a.createUserKey)
		handle("DELETE "+prefix, a.invalidateUserKeys)
		handle("POST "+prefix+"/refresh", a.refreshUserKey)
	}
}

func (a *api) listUsers(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	q, err := query(r, "q", "role", "after", "limit")
	if err != nil {
		return err
	}
	f := UserFilter{Text: q.Get("q"), Role: q.Get("role"), After: q.Get("after")}
	if f.Limit, err = limit(q); err != nil {
		return err
	}
	found, next, err := a.Users(r.Context(), p, f)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, page[userJSON]{usersAsJSON(found), next})
}

func (a *api) getUserKey(w http.ResponseWriter, r *http.Request, p auth.Principal, userID string) error {
	rec, err := a.UserKey(r.Context(), p, userID)
	if err != nil {
		return err
	}
	return showKey(w, &rec)
}

func (a *api) createUserKey(w http.ResponseWriter, r *http.Request, p auth.Principal, userID string) error {
	var b keyBody
	fields := b.fields()
	delete(fields, "role") // it has its user's
	there, err := decode(w, r, true, fields)
	if err != nil {
		return err
	}
	at, err := expiry(there, b.ttl, b.expiresAt)
	if err != nil {
		return err
	}
	issued, err := a.CreateUserKey(r.Context(), p, userID, keys.User{
		Name: b.name, Scopes: b.scopes, AllowedIPs: b.networks(), ExpiresAt: at,
	})
	if err != nil {
		return err
	}
	return showIssued(w, http.StatusCreated, &issued)
}

func (a *api) refreshUserKey(w http.ResponseWriter, r *http.Request, p auth.Principal, userID string) error {
	rn, match, err := renewal(w, r)
	if err != nil {
		return err
	}
	issued, err := a.RefreshUserKey(r.Context(), p, userID, match, rn)
	if err != nil {
		return err
	}
	return showIssued(w, http.StatusOK, &issued)
}

func (a *api) invalidateUserKeys(w http.ResponseWriter, r *http.Request, p auth.Principal, userID string) error {
	match, err := match(r)
	if err != nil {
		return err
	}
	if _, err := a.InvalidateUserKeys(r.Context(), p, userID, match); err != nil {
		return err
	}
	return nothing(w)
}
