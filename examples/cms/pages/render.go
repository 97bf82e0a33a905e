package pages

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/latchkey-go/latchkey/auth/admin"
)

// A page is the data of the layout; Body is the page's own.
type page struct {
	Title, Heading, Notice string
	User                   string // the signed-in user, or ""
	Nav                    []navGroup
	Body                   any
}

type navGroup struct {
	Name  string
	Pages []navPage
}

type navPage struct {
	Text, Href string
	Current    bool
}

//go:embed templates
var files embed.FS

var templates = func() map[string]*template.Template {
	layout := template.Must(template.New("layout.html").Funcs(template.FuncMap{"path": url.PathEscape}).ParseFS(files, "templates/layout.html"))
	all := map[string]*template.Template{}
	for _, name := range []string{"signin", "error", "models", "model", "items", "item", "assets", "asset", "accounts", "account", "newaccount", "password"} {
		all[name] = template.Must(template.Must(layout.Clone()).ParseFS(files, "templates/"+name+".html"))
	}
	return all
}()

// notices are the messages after a change. The address holds only their code.
var notices = map[string]string{
	"model":        "The model was created. Roles can now be given permissions for it: they are among the check boxes of each role.",
	"modelsaved":   "The model was saved.",
	"modeldeleted": "The model and its items were deleted.",
	"uploaded":     "Uploaded.",
	"created":      "Created.",
	"saved":        "Saved.",
	"published":    "Published: the API shows it from now on.",
	"withdrawn":    "Withdrawn: it is a draft again, and the API does not show it any more.",
	"deleted":      "Deleted.",
	"password":     "The password was changed. All sessions of this user have ended.",
}

// render writes a whole page, or an error.
func (p *Pages) render(w http.ResponseWriter, r *http.Request, status int, name, heading string, body any) {
	view := page{Title: Title, Heading: heading, Body: body}
	if site := r.Header.Get("Sec-Fetch-Site"); site == "" || site == "same-origin" { // a link on another site must not show a notice
		view.Notice = notices[r.URL.Query().Get("done")]
	}
	if who := p.visitor(r); who != nil {
		view.User, view.Nav = who.Name(), nav(r)
		if view.User == "" {
			view.User = who.UserID()
		}
	}
	var out bytes.Buffer
	if err := templates[name].Execute(&out, view); err != nil {
		p.Guard.Refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(out.Len()))
	w.WriteHeader(status)
	_, _ = out.WriteTo(w) // the client may have gone
}

// nav lists the pages that this user may see, in the order of the console's navigation.
func nav(r *http.Request) []navGroup {
	var groups []navGroup
	add := func(group, text, href string, needs ...string) {
		allowed := len(needs) == 0
		for _, permission := range needs {
			allowed = allowed || may(r, permission)
		}
		if !allowed {
			return
		}
		if n := len(groups); n == 0 || groups[n-1].Name != group {
			groups = append(groups, navGroup{Name: group})
		}
		g := &groups[len(groups)-1]
		g.Pages = append(g.Pages, navPage{text, href, r.URL.Path == href || strings.HasPrefix(r.URL.Path, href+"/")})
	}
	add("You", "My key", "/system/users/user")
	add("API", "Keys", "/system/api", admin.ManageAPI)
	add("API", "Public API", "/system/api/public", admin.ManageAPI)
	add("People", "Users", "/system/users", admin.ManageUsers)
	add("People", "Roles", "/system/users/roles", admin.ManageRoles, admin.ManageAPI, admin.ManageUsers)
	add("People", "Access matrix", "/system/users/roles/matrix", admin.ManageRoles, admin.ManageAPI, admin.ManageUsers)
	add("History", "Audit log", "/system/audit", admin.ReadLogs)
	add(Title, "Content", "/content")
	add(Title, "Assets", "/assets", assetPermissions...)
	add(Title, "Accounts", "/accounts", admin.ManageUsers)
	add(Title, "My password", "/password")
	return groups
}
