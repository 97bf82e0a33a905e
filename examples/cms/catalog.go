package main

import (
	"context"

	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/examples/cms/content"
	"github.com/latchkey-go/latchkey/roles"
)

// catalog lists Cockpit's permissions, with its groups and labels, so that imported roles are understood. This
// program itself uses the permissions of assets, content, keys, roles, users and the log.
func catalog() (*roles.Catalog, error) {
	write := func(permission, label string) roles.Entry {
		return roles.Entry{Permission: permission, Label: label, Effect: roles.EffectWrite}
	}
	read := func(permission, label string) roles.Entry {
		return roles.Entry{Permission: permission, Label: label, Effect: roles.EffectRead}
	}
	each := content.Permission
	return roles.NewCatalog(
		roles.Group{Name: "Api & Security", Permissions: []roles.Entry{write(admin.ManageAPI, "Manage Api access")}},
		roles.Group{Name: "Assets", Permissions: []roles.Entry{
			write("assets/upload", "Upload assets"),
			write("assets/edit", "Edit assets"),
			write("assets/delete", "Delete assets"),
			write("assets/folders/create", "Create folders"),
			write("assets/folders/edit", "Edit folders"),
			write("assets/folders/delete", "Delete folders"),
		}},
		roles.Group{Name: "Content", Permissions: []roles.Entry{
			write(content.ManageModels, "Manage models"),
			write(each("{model}", content.Manage), "Edit model {model}"),
			read(each("{model}", content.Read), "Read {model}"),
			write(each("{list}", content.Create), "Create {list}"), // a singleton is updated, never created
			write(each("{model}", content.Update), "Update {model}"),
			write(each("{list}", content.Delete), "Delete {list}"),
			write(each("{model}", content.Publish), "Publish {model}"),
			write(each("{tree}", "updateorder"), "Reorder tree {tree}"),
		}},
		roles.Group{Name: "Locales", Permissions: []roles.Entry{write("app/locales/manage", "Manage locales")}},
		roles.Group{Name: "Logs", Permissions: []roles.Entry{read(admin.ReadLogs, "View app logs")}},
		roles.Group{Name: "Spaces", Permissions: []roles.Entry{write("app/spaces", "Manage spaces")}},
		roles.Group{Name: "System", Permissions: []roles.Entry{
			read("app/system/info", "View system information"),
			write("app/resources/unlock", "Unlock resources"),
		}},
		roles.Group{Name: "Users", Permissions: []roles.Entry{
			write(admin.ManageUsers, "Manage users"),
			write(admin.ManageRoles, "Manage roles"),
		}},
	)
}

// names returns the values of the catalog's {model}, {list} and {tree}: the current models.
func (n *node) names(ctx context.Context) (map[string][]string, error) {
	models, err := n.content.Models(ctx)
	if err != nil {
		return nil, err
	}
	names := map[string][]string{"model": {}, "list": {}, "tree": {}}
	for _, m := range models {
		names["model"] = append(names["model"], m.Name)
		if m.Type != content.Singleton {
			names["list"] = append(names["list"], m.Name)
		}
		if m.Type == content.Tree {
			names["tree"] = append(names["tree"], m.Name)
		}
	}
	return names, nil
}
