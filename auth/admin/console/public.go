package console

import (
	"cmp"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// A publicPage shows the setting of the public API, and the access that another role would open.
type publicPage struct {
	publicapi.Setting
	Match     admin.Tag
	Now       *exposure
	Preview   *exposure // of the chosen role
	Roles     []roleOption
	MakeRoles bool // the user may make one
}

// An exposure lists the access of callers without a key, or the access that a change adds.
type exposure struct {
	Role   string
	Token  string // of a preview
	Kinds  int    // the number of permissions that only read
	Reads  []exposed
	Writes []exposed
	Routes []exposedRoute
}

// An exposed is a grant in words.
type exposed struct {
	Permission, Label string
	Matches           []string // labels of the permissions that a pattern allows now
	Ticked            bool
}

type exposedRoute struct {
	Method, Path, Permission string
	Write                    bool
}

var braces = regexp.MustCompile(`\{([^/]*)\}`)

// expose puts a report in words. Ticks that were sent with the token of another preview stay only where they name one
// permission: a pattern may stand for more than before.
func (v *visit) expose(report publicapi.Report, sent admin.Confirmation) (*exposure, error) {
	e := &exposure{Role: report.Role, Token: report.Token}
	kinds := map[string]bool{}
	for _, p := range report.Permissions {
		one := roles.ValidPermission(p.Permission)
		x := exposed{Permission: p.Permission, Label: cmp.Or(p.Label, unlisted(p.Permission)),
			Ticked: slices.Contains(sent.Acknowledged, p.Permission) && (one || sent.Token == report.Token)}
		for _, match := range p.Matches {
			x.Matches = append(x.Matches, braces.ReplaceAllString(match.Label, "any $1"))
			if match.Effect == roles.EffectRead {
				kinds[match.Permission] = true
			}
		}
		if p.Effect == roles.EffectWrite {
			e.Writes = append(e.Writes, x)
			continue
		}
		e.Reads = append(e.Reads, x)
		if len(p.Matches) == 0 {
			kinds[p.Permission] = true
		}
	}
	e.Kinds = len(kinds)
	groups, err := v.service.Permissions(v.r.Context(), v.who)
	if err != nil {
		return nil, err
	}
	for _, route := range report.Routes {
		method, path, ok := strings.Cut(route.Pattern, " ")
		if !ok {
			method, path = "any", route.Pattern
		}
		effect, known := effectOf(groups, grantOf(route.Permission))
		write := known && effect == roles.EffectWrite || !known && !route.Open && method != http.MethodGet && method != http.MethodHead
		e.Routes = append(e.Routes, exposedRoute{method, path, route.Permission, write})
	}
	return e, nil
}

// effectOf returns whether a pattern stands for anything that the catalog lists as write. known is false if the catalog
// lists nothing of it.
func effectOf(groups []roles.Group, pattern string) (effect roles.Effect, known bool) {
	for _, group := range groups {
		for _, entry := range group.Permissions {
			if grantOf(entry.Permission) != pattern && !roles.Match(pattern, entry.Permission) {
				continue
			}
			if entry.Effect == roles.EffectWrite {
				return roles.EffectWrite, true
			}
			effect, known = entry.Effect, true
		}
	}
	return effect, known
}

// unlisted is the label of a grant that the catalog does not list.
func unlisted(grant string) string {
	if strings.Contains(grant, "*") {
		return "Anything that matches, listed or not"
	}
	return "Not listed by the application"
}

// showPublic shows the setting and, if there is one to choose, the access that another role would open.
func (v *visit) showPublic() error {
	setting, now, err := v.service.Public(v.r.Context(), v.who)
	if errors.Is(err, admin.ErrNotFound) {
		v.refuse(http.StatusNotFound, &alert{Title: "The public API is not managed here",
			Text: "This application has no setting for it: its program says what callers without a key may do."})
		return nil
	}
	if err != nil {
		return err
	}
	body := publicPage{Setting: setting, Match: admin.Revision(setting), MakeRoles: v.may(admin.ManageRoles)}
	if body.Now, err = v.expose(now, admin.Confirmation{}); err != nil {
		return err
	}
	role := v.r.URL.Query().Get("role")
	if v.failed != nil {
		role = v.field("role")
	}
	if role != "" {
		report, err := v.service.PreviewPublic(v.r.Context(), v.who, role)
		switch {
		case errors.Is(err, admin.ErrInput): // a role that cannot be public, or is gone
			if v.alert == nil {
				v.status, v.alert = v.explain(err)
			}
			role = ""
		case err != nil:
			return err
		default:
			if body.Preview, err = v.expose(report, v.confirmation()); err != nil {
				return err
			}
		}
	}
	if body.Roles, err = v.roleOptions(cmp.Or(role, setting.Role), false); err != nil {
		return err
	}
	return v.show("public", "Public API", body)
}

// confirmation reads the confirmation in a form.
func (v *visit) confirmation() admin.Confirmation {
	return admin.Confirmation{Match: v.match(), Token: v.field("token"), Acknowledged: v.r.PostForm["acknowledge"]}
}

func (v *visit) openPublic() (string, error) {
	_, err := v.service.OpenPublic(v.r.Context(), v.who, v.field("role"), v.confirmation())
	return "api/public?done=opened", err
}

// unconfirmed says why an opening, of the public API or by an edit of a role, was not confirmed.
func (v *visit) unconfirmed(err *publicapi.UnconfirmedError) *alert {
	why := &alert{Title: "Not opened yet", Field: "acknowledge", // the list to confirm
		Text: "Callers without a key could change data. Tick each permission in red that you want to open to them."}
	if v.field("do") == "save" {
		why.Title = "Not saved yet"
	}
	switch token := v.confirmation().Token; {
	case token != "" && token != err.Preview.Token:
		why.Text = "What this opens has changed since you looked. Look at it again, tick each permission in red that you want to open, and confirm."
	case len(err.Preview.Writes) == 0:
		why.Text = "Callers without a key could read more. Look at what this opens, and confirm by sending the form again."
	}
	return why
}

func (v *visit) closePublic() (string, error) {
	_, err := v.service.ClosePublic(v.r.Context(), v.who, v.match())
	return "api/public?done=closed", err
}
