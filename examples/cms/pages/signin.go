package pages

import (
	"errors"
	"math"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/latchkey-go/latchkey/examples/cms/users"
)

// The limits of guessing in a quarter of an hour: wrong passwords from one address, and for one user from all
// addresses. The second is higher, so that it is harder for a guesser to lock a user out.
const (
	triesFromAddress = 10
	triesForLogin    = 50
	triesWindow      = 15 * time.Minute
)

const mostSignIn = 16 << 10 // bytes of a form without a session

type signInForm struct {
	Login, Next, Error string
}

func (p *Pages) showSignIn(w http.ResponseWriter, r *http.Request) {
	next := local(r.URL.Query().Get("next"))
	if p.visitor(r) != nil {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return
	}
	p.render(w, r, http.StatusOK, "signin", "Sign in", signInForm{Next: next})
}

func (p *Pages) signIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, mostSignIn)
	if !readForm(w, r) {
		p.showError(w, r, http.StatusBadRequest, "This form could not be read.")
		return
	}
	login, next := r.PostForm.Get("login"), local(r.PostForm.Get("next"))
	again := func(status int, text string) {
		p.render(w, r, status, "signin", "Sign in", signInForm{Login: login, Next: next, Error: text})
	}
	address := network(p.Guard.ClientAddr(r))
	wait := p.byAddress.take(address)
	if wait == 0 {
		if wait = p.byLogin.take(login); wait > 0 {
			p.byAddress.forgive(address)
		}
	}
	if wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
		again(http.StatusTooManyRequests, "Too many attempts. Wait a quarter of an hour and try again.")
		return
	}
	id, epoch, err := p.Users.Table.SignIn(r.Context(), login, r.PostForm.Get("password"))
	if errors.Is(err, users.ErrWrong) {
		again(http.StatusUnauthorized, "User name or password is wrong.")
		return
	}
	p.byAddress.forgive(address)
	p.byLogin.forgive(login)
	if err == nil {
		err = p.Sessions.Begin(w, r, id, epoch)
	}
	if err != nil {
		p.Guard.Refuse(w, r, err)
		return
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}

func (p *Pages) signOut(w http.ResponseWriter, r *http.Request) {
	if err := p.Sessions.End(w, r); err != nil {
		p.Guard.Refuse(w, r, err)
		return
	}
	http.Redirect(w, r, SignInPath, http.StatusSeeOther)
}

// local returns the page after the sign-in: next if it is a page of this program, else the first page. The result is
// a plain path that no browser reads as another host or folder.
func local(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !printable(next) || !printable(strings.ReplaceAll(u.Path, " ", "")) {
		return home
	}
	if strings.TrimSuffix(u.Path, "/") != path.Clean(u.Path) { // the decoded path: browsers read %2e%2e as ..
		return home
	}
	for _, ours := range []string{"/content", "/accounts", "/password", "/system"} {
		if u.Path == ours || strings.HasPrefix(u.Path, ours+"/") {
			return next
		}
	}
	return home
}

// printable reports whether a text is printable ASCII without spaces and backslashes. Browsers remove control
// characters from an address and read a backslash as a slash.
func printable(text string) bool {
	return !strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c >= 0x7f || c == '\\' })
}

// network returns the name under which an address is limited: the address itself, or the /64 that one IPv6 customer
// has.
func network(addr netip.Addr) string {
	if addr = addr.Unmap(); addr.Is6() {
		if prefix, err := addr.Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return addr.String()
}
