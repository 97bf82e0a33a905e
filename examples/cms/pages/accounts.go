package pages

import (
	"errors"
	"net/http"
	"strings"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/examples/cms/users"
	"github.com/latchkey-go/latchkey/roles"
)

type accountList struct {
	Rows []users.Account
	Next *users.Account // the last of this page, if there are more
}

func (p *Pages) showAccounts(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	rows, err := p.Users.Table.Accounts(r.Context(), q.Get("login"), q.Get("id"), pageSize+1)
	if err != nil {
		p.Guard.Refuse(w, r, err)
		return
	}
	list := accountList{Rows: rows}
	if len(rows) > pageSize {
		list.Rows, list.Next = rows[:pageSize], &rows[pageSize-1]
	}
	p.render(w, r, http.StatusOK, "accounts", "Accounts", list)
}

type accountForm struct {
	users.Account
	Roles []string // that this user may grant, and the account's own role
	Own   bool
	Error string
	Least int // characters of a password
}

// accountForm completes a form. It offers only the roles that the user may grant. The transaction of the change
// checks this again.
func (p *Pages) accountForm(r *http.Request, a users.Account, problem string) accountForm {
	who := p.visitor(r)
	f := accountForm{Account: a, Own: a.ID != "" && a.ID == who.UserID(), Error: problem, Least: users.MinPassword}
	policy := p.Guard.Policy()
	for _, appid := range append(policyRoles(policy), roles.Admin) {
		if appid == a.Role || policy.Covers(who.Rights(), roles.Rights{Role: appid}) {
			f.Roles = append(f.Roles, appid)
		}
	}
	return f
}

func policyRoles(policy *roles.Policy) []string {
	if policy == nil {
		return nil
	}
	return policy.AppIDs()
}

func (p *Pages) showNewAccount(w http.ResponseWriter, r *http.Request) {
	p.render(w, r, http.StatusOK, "newaccount", "New account", p.accountForm(r, users.Account{}, ""))
}

func (p *Pages) createAccount(w http.ResponseWriter, r *http.Request) {
	if !readForm(w, r) {
		p.showError(w, r, http.StatusBadRequest, "This form could not be read.")
		return
	}
	u := users.User{
		Login: strings.TrimSpace(r.PostForm.Get("login")), Name: strings.TrimSpace(r.PostForm.Get("name")),
		Role: r.PostForm.Get("role"), Active: true,
	}
	_, err := p.Users.Create(r.Context(), *p.visitor(r), u, r.PostForm.Get("password"))
	if status, text := explain(err); text != "" {
		p.render(w, r, status, "newaccount", "New account", p.accountForm(r, users.Account{User: u}, text))
		return
	}
	if err != nil {
		p.Guard.Refuse(w, r, err)
		return
	}
	see(w, r, "/accounts", "created")
}

func (p *Pages) showAccount(w http.ResponseWriter, r *http.Request) {
	p.account(w, r, http.StatusOK, "")
}

// account shows an account, with the error of a refused change.
func (p *Pages) account(w http.ResponseWriter, r *http.Request, status int, problem string) {
	a, err := p.Users.Table.Account(r.Context(), r.PathValue("id"))
	switch {
	case errors.Is(err, auth.ErrNoUser):
		p.showError(w, r, http.StatusNotFound, "There is no such user.")
	case err != nil:
		p.Guard.Refuse(w, r, err)
	default:
		p.render(w, r, status, "account", a.Login, p.accountForm(r, a, problem))
	}
}

func (p *Pages) saveAccount(w http.ResponseWriter, r *http.Request) {
	if !readForm(w, r) {
		p.showError(w, r, http.StatusBadRequest, "This form could not be read.")
		return
	}
	u := users.User{
		ID: r.PathValue("id"), Name: strings.TrimSpace(r.PostForm.Get("name")),
		Role: r.PostForm.Get("role"), Active: r.PostForm.Get("active") != "",
	}
	p.changed(w, r, p.Users.Update(r.Context(), *p.visitor(r), u), "saved")
}

func (p *Pages) setPassword(w http.ResponseWriter, r *http.Request) {
	if !readForm(w, r) {
		p.showError(w, r, http.StatusBadRequest, "This form could not be read.")
		return
	}
	err := p.Users.SetPassword(r.Context(), *p.visitor(r), r.PathValue("id"), r.PostForm.Get("password"))
	p.changed(w, r, err, "password")
}

// changed answers after a change of one account.
func (p *Pages) changed(w http.ResponseWriter, r *http.Request, err error, done string) {
	status, text := explain(err)
	switch {
	case errors.Is(err, auth.ErrNoUser):
		p.showError(w, r, http.StatusNotFound, "There is no such user.")
	case text != "":
		p.account(w, r, status, text)
	case err != nil:
		p.Guard.Refuse(w, r, err)
	default:
		see(w, r, "/accounts", done)
	}
}

type passwordForm struct {
	Error string
	Least int
}

func (p *Pages) showPassword(w http.ResponseWriter, r *http.Request) {
	p.render(w, r, http.StatusOK, "password", "My password", passwordForm{Least: users.MinPassword})
}

// changePassword limits attempts: it can be used to guess a password from an open session.
func (p *Pages) changePassword(w http.ResponseWriter, r *http.Request) {
	if !readForm(w, r) {
		p.showError(w, r, http.StatusBadRequest, "This form could not be read.")
		return
	}
	again := func(status int, text string) {
		p.render(w, r, status, "password", "My password", passwordForm{text, users.MinPassword})
	}
	who := *p.visitor(r)
	slot := "user " + who.UserID()
	if p.byAddress.take(slot) > 0 {
		again(http.StatusTooManyRequests, "Too many attempts. Wait a quarter of an hour and try again.")
		return
	}
	err := p.Users.ChangeOwn(r.Context(), who, r.PostForm.Get("old"), r.PostForm.Get("password"))
	if errors.Is(err, users.ErrWrong) {
		again(http.StatusForbidden, "The present password is wrong.")
		return
	}
	p.byAddress.forgive(slot)
	if status, text := explain(err); text != "" {
		again(status, text)
		return
	}
	if err != nil {
		p.Guard.Refuse(w, r, err)
		return
	}
	http.Redirect(w, r, SignInPath, http.StatusSeeOther) // the old session has ended
}

// signOutEverywhere ends all sessions of the user, this one included.
func (p *Pages) signOutEverywhere(w http.ResponseWriter, r *http.Request) {
	err := p.Users.EndOwnSessions(r.Context(), *p.visitor(r))
	if err == nil {
		err = p.Sessions.End(w, r)
	}
	if err != nil {
		p.Guard.Refuse(w, r, err)
		return
	}
	http.Redirect(w, r, SignInPath, http.StatusSeeOther)
}

// explain returns the message for a refused change; "" means that a store failed.
func explain(err error) (status int, text string) {
	for _, known := range []struct {
		err    error
		status int
		text   string
	}{
		{users.ErrForbidden, http.StatusForbidden, "You can't grant more access than you have: your role does not cover this one."},
		{users.ErrYourself, http.StatusConflict, "You can't change your own role or deactivate yourself. Ask another administrator."},
		{users.ErrOwn, http.StatusConflict, "Your own password is changed under My password, with the one you have."},
		{users.ErrTaken, http.StatusConflict, "Another user has this user name."},
		{users.ErrLogin, http.StatusBadRequest, "A user name has 1 to 64 characters, none of them a space."},
		{users.ErrName, http.StatusBadRequest, "A name is one line, and not empty."},
		{users.ErrRole, http.StatusBadRequest, "There is no such role."},
		{users.ErrPassword, http.StatusBadRequest, "A password has 15 to 256 characters."},
	} {
		if errors.Is(err, known.err) {
			return known.status, known.text
		}
	}
	return 0, ""
}
