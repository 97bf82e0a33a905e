package api

import (
	"errors"
	"net/http"

	"github.com/latchkey-go/latchkey/examples/cms/content"
)

// menuModels are the models that make the navigation. Its address needs the right to read one of them, and each is
// shown only to those who may read it: there is no right of its own that could show more than its items' addresses do.
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

func (a api) menus(w http.ResponseWriter, r *http.Request) {
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
			a.fail(w, r, err)
			return
		default:
			menus = append(menus, menu{name, links(items)})
		}
	}
	reply(w, http.StatusOK, menus)
}

// links makes a tree of items. What hangs on an item that is not published is not shown either.
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
		delete(children, parent) // each is shown once, however the parents are knotted
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
