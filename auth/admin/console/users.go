package console

import (
	"errors"
	"net/http"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
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
	if body.Users, body.Next, err = v.service.Users(v.r.Context(), v.who, admin.UserFilter{Text: body.Text, After: q.Get("after")}); errors.Is(err, admin.ErrNotFound) {
		v.trouble(http.StatusNotFound, "Users are not listed here", "This application does not tell who its users are.")
		return nil
	} else if err != nil {
		return err
	}
	return v.show(http.StatusOK, "users", page{Heading: "Users", Body: body})
}
