package console

import (
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// A publicPage is the state of the public API, and what another role would make of it.
type publicPage struct {
	Role      string // "" is closed
	ChangedAt time.Time
	ChangedBy string
	Match     string
	Now       *exposure
	Preview   *exposure // of the role that somebody thinks of
	Roles     []roleOption
	MakeRoles bool // the user may make one
}

// An exposure is what everybody can do without a key.
type exposure struct {
	Role   string
	Reads  []exposed
	Writes []exposed
	Routes []exposedRoute
}

// An exposed is a permission in words.
type exposed struct {
	Permission, Label string
	Partly            bool // for some values of its {name}s only
	Ticked            bool
}

type exposedRoute struct {
	Method, Path, Permission string
	Write                    bool
}

var braces = regexp.MustCompile(`\{([^/]*)\}`)

// expose puts a report in words, with the templates of the catalog spelt out where the host has names for them.
func (v *visit) expose(report publicapi.Report, ticked []string) (*exposure, error) {
	e := &exposure{Role: report.Role}
	listed, effects := map[string]string{}, map[string]roles.Effect{} // entries that the role reaches
	for _, group := range report.Groups {
		for _, entry := range group.Permissions {
			listed[entry.Permission] = braces.ReplaceAllString(entry.Label, "any $1")
			effects[grantOf(entry.Permission)] = entry.Effect
		}
	}
	groups, err := v.service.Permissions(v.r.Context(), v.who)
	if err != nil {
		return nil, err
	}
	spelt := map[string][]string{} // labels of what can be changed, by the template
	for _, group := range groups {
		for _, entry := range group.Permissions {
			allowed := listed[entry.Permission] != ""
			if roles.ValidPermission(entry.Permission) {
				d, err := v.service.Explain(v.r.Context(), v.who, report.Role, entry.Permission)
				if err != nil {
					return nil, err
				}
				allowed = d.Allowed
			}
			label := braces.ReplaceAllString(entry.Label, "any $1")
			switch {
			case !allowed:
			case entry.Effect == roles.Read:
				e.Reads = append(e.Reads, exposed{Permission: entry.Permission, Label: label, Partly: slices.Contains(report.Partly, entry.Permission)})
			default:
				for template := range listed {
					if template != entry.Permission && roles.Match(grantOf(template), entry.Permission) {
						spelt[template] = append(spelt[template], label)
					}
				}
			}
		}
	}
	for _, permission := range report.Writes {
		x := exposed{Permission: permission, Label: listed[permission], Partly: slices.Contains(report.Partly, permission), Ticked: slices.Contains(ticked, permission)}
		if x.Label == "" {
			x.Label = unlisted(permission)
		}
		if labels := spelt[permission]; len(labels) > 0 {
			x.Label, x.Partly = strings.Join(labels, ", "), false
		}
		e.Writes = append(e.Writes, x)
	}
	for _, route := range report.Routes {
		method, path, ok := strings.Cut(route.Pattern, " ")
		if !ok {
			method, path = "any", route.Pattern
		}
		effect, known := effects[grantOf(route.Permission)]
		write := known && effect == roles.Write || !known && !route.Open && method != http.MethodGet && method != http.MethodHead
		e.Routes = append(e.Routes, exposedRoute{method, path, route.Permission, write})
	}
	return e, nil
}

// unlisted is said of a grant that no catalog explains.
func unlisted(grant string) string {
	if strings.Contains(grant, "*") {
		return "Anything that matches, listed or not"
	}
	return "Not listed by the application"
}

// inWords returns the labels of what a permission of the catalog, with its {name}s, stands for.
func (v *visit) inWords(permission string) (string, error) {
	groups, err := v.service.Permissions(v.r.Context(), v.who)
	if err != nil {
		return "", err
	}
	var labels []string
	for _, group := range groups {
		for _, entry := range group.Permissions {
			if entry.Permission == permission || braces.MatchString(permission) && roles.Match(grantOf(permission), entry.Permission) {
				labels = append(labels, braces.ReplaceAllString(entry.Label, "any $1"))
			}
		}
	}
	if labels == nil {
		return unlisted(permission), nil
	}
	return strings.Join(labels, ", "), nil
}

// showPublic shows the setting, and what role would open if that is not "".
func (v *visit) showPublic(status int, role string, ticked []string, why *alert) error {
	setting, now, err := v.service.Public(v.r.Context(), v.who)
	if errors.Is(err, admin.ErrNotFound) {
		v.trouble(http.StatusNotFound, "The public API is not managed here", "This application has no setting for it: its program says what callers without a key may do.")
		return nil
	}
	if err != nil {
		return err
	}
	body := publicPage{Role: setting.Role, ChangedAt: setting.ChangedAt, ChangedBy: setting.ChangedBy, Match: admin.SettingRevision(setting), MakeRoles: v.may(admin.ManageRoles)}
	if body.Now, err = v.expose(now, nil); err != nil {
		return err
	}
	if role != "" {
		report, err := v.service.PreviewPublic(v.r.Context(), v.who, role)
		var input *admin.InputError
		switch {
		case errors.As(err, &input): // a role that cannot be public, or is gone
			refused, reason := explain(err)
			if why == nil {
				status, why = refused, &reason
			}
			role = ""
		case err != nil:
			return err
		default:
			if body.Preview, err = v.expose(report, ticked); err != nil {
				return err
			}
		}
	}
	if role == "" {
		role = setting.Role
	}
	if body.Roles, err = v.roleOptions(role, false); err != nil {
		return err
	}
	return v.show(status, "public", page{Heading: "Public API", Alert: why, Body: body})
}

func (v *visit) openPublic() error {
	role, ticked := v.field("role"), v.r.PostForm["acknowledge"]
	_, err := v.service.OpenPublic(v.r.Context(), v.who, role, v.field("match"), ticked...)
	if err == nil {
		return v.redirect("api/public?done=opened")
	}
	again := func(status int, why *alert) error { return v.showPublic(status, role, ticked, why) }
	var writes *publicapi.UnacknowledgedError
	if errors.As(err, &writes) {
		return again(http.StatusConflict, &alert{Title: "Not opened yet", Field: "acknowledge",
			Text: "With this role everybody could change data. Tick each line in red that you want to allow to the whole world, or choose another role."})
	}
	return v.retry(err, again)
}

func (v *visit) closePublic() error {
	if _, err := v.service.ClosePublic(v.r.Context(), v.who, v.field("match")); err != nil {
		return v.retry(err, func(status int, why *alert) error { return v.showPublic(status, "", nil, why) })
	}
	return v.redirect("api/public?done=closed")
}
