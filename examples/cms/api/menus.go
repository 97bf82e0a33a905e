package api

import (
	"errors"
	"net/http"

	"github.com/latchkey-go/latchkey/examples/cms/content"
)

// menuModels are the models that make up the navigation. Its address needs permission to read one of them, and each
// is listed only for callers who may read it, so it shows no more than the addresses of its items.
var menuModels = [2]string{"pages", "menu"}

type menu struct {
	Name  string `json:"name"`
	Links []link `json:"links"`
}

type link struct {
	Title    any    `json:"title"`
	URL      any    `json:"url"`
	Children []link `json:"children"`
}

func (a api) menus(_ http.ResponseWriter, r *http.Request) (any, error) {
	menus := []menu{}
	for _, name := range menuModels {
		model, err := a.content.Model(r.Context(), name)
		var items []content.Item
		if err == nil {
			items, _, err = a.content.Items(r.Context(), model, content.Query{})
			err = leaveOut(err)
		}
		switch {
		case errors.Is(err, errLeftOut), errors.Is(err, content.ErrNotFound):
		case err != nil:
			return nil, err
		default:
			menus = append(menus, menu{name, links(items)})
		}
	}
	return menus, nil
}

// links makes a tree of items. Children of an unpublished item are left out.
func links(items []content.Item) []link {
	children := map[string][]content.Item{}
	for _, item := range items {
		parent, _ := item["_pid"].(string)
		children[parent] = append(children[parent], item)
	}
	var under func(parent string) []link
	under = func(parent string) []link {
		links := []link{}
		items := children[parent]
		delete(children, parent) // list each item once, even if parents form a cycle
		for _, item := range items {
			title := item["title"]
			if title == nil {
				title = item["label"]
			}
			links = append(links, link{title, item["url"], under(item.ID())})
		}
		return links
	}
	return under("")
}
