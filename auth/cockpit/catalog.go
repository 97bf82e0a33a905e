package cockpit

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/latchkey-go/latchkey/roles"
)

// A Model is a content model of Cockpit's.
type Model struct {
	Name  string // as in addresses and permissions: content/{name}/read
	Label string // for people to read; "" is Name
	Type  string // "collection", "singleton" or "tree"
}

// Catalog returns the permissions on Cockpit's role screen, with its groups and labels: a fixed part, and a group
// for each model, since the labels are the same for all. Only permissions that change nothing are listed as read.
// The error names every model that is listed twice, or whose type or name Cockpit would refuse.
//
// Cockpit asks for content/{model}/create too when a singleton is written for the first time, and lists it nowhere. A
// role may grant it anyway; like every unlisted permission, it counts as a right to change data.
func Catalog(models ...Model) (*roles.Catalog, error) {
	var (
		contents []roles.Group
		errs     []error
		seen     = map[string]bool{}
	)
	for _, m := range models {
		verbs, ok := verbsOf[m.Type]
		switch {
		case !ok:
			errs = append(errs, fmt.Errorf("cockpit: model %q is of the unknown type %q", m.Name, m.Type))
		case !modelName.MatchString(m.Name):
			errs = append(errs, fmt.Errorf("cockpit: %q cannot be the name of a model", m.Name))
		case seen[m.Name]:
			errs = append(errs, fmt.Errorf("cockpit: model %q is there twice", m.Name))
		default:
			seen[m.Name] = true
			contents = append(contents, contentGroup(m, verbs))
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return roles.NewCatalog(slices.Concat(beforeContent, contents, afterContent)...)
}

// modelName matches the names in Cockpit's addresses, at most as long as a segment of a permission.
var modelName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

// verbsOf returns the verbs for the items of a model, by its type.
var verbsOf = map[string][]roles.Entry{
	"collection": {read, create, update, remove, publish},
	"singleton":  {read, update, publish},
	"tree":       {read, create, update, remove, publish, reorder},
}

// The permissions of one model, before content/{model}/ is put in front.
var (
	manage  = roles.Entry{Permission: "manage", Label: "Edit model"}
	read    = roles.Entry{Permission: "read", Label: "Read", Effect: roles.EffectRead}
	create  = roles.Entry{Permission: "create", Label: "Create"}
	update  = roles.Entry{Permission: "update", Label: "Update"}
	remove  = roles.Entry{Permission: "delete", Label: "Delete"}
	publish = roles.Entry{Permission: "publish", Label: "Publish"}
	reorder = roles.Entry{Permission: "updateorder", Label: "Reorder tree"}
)

func contentGroup(m Model, verbs []roles.Entry) roles.Group {
	g := roles.Group{Name: "Content: " + cmp.Or(m.Label, m.Name)}
	for _, e := range slices.Concat([]roles.Entry{manage}, verbs) {
		e.Permission = "content/" + m.Name + "/" + e.Permission
		g.Permissions = append(g.Permissions, e)
	}
	return g
}

// The groups that every Cockpit has, in the order of its screen: the models come between.
var (
	beforeContent = []roles.Group{
		{Name: "Api & Security", Permissions: []roles.Entry{{Permission: "app/api/manage", Label: "Manage Api access"}}},
		{Name: "Assets", Permissions: []roles.Entry{
			{Permission: "assets/upload", Label: "Upload assets"},
			{Permission: "assets/edit", Label: "Edit assets"},
			{Permission: "assets/delete", Label: "Delete assets"},
			{Permission: "assets/folders/create", Label: "Create folders"},
			{Permission: "assets/folders/edit", Label: "Edit folders"},
			{Permission: "assets/folders/delete", Label: "Delete folders"},
		}},
		{Name: "Content", Permissions: []roles.Entry{{Permission: "content/:models/manage", Label: "Manage models"}}},
	}
	afterContent = []roles.Group{
		{Name: "Locales", Permissions: []roles.Entry{{Permission: "app/locales/manage", Label: "Manage locales"}}},
		{Name: "Logs", Permissions: []roles.Entry{{Permission: "app/logs", Label: "View app logs", Effect: roles.EffectRead}}},
		{Name: "Spaces", Permissions: []roles.Entry{{Permission: "app/spaces", Label: "Manage spaces"}}},
		{Name: "System", Permissions: []roles.Entry{
			{Permission: "app/system/info", Label: "View system information", Effect: roles.EffectRead},
			{Permission: "app/resources/unlock", Label: "Unlock resources"},
		}},
		{Name: "Users", Permissions: []roles.Entry{
			{Permission: "app/users/manage", Label: "Manage users"},
			{Permission: "app/roles/manage", Label: "Manage roles"},
		}},
	}
)
