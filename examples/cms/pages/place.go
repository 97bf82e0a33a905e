package pages

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/latchkey-go/latchkey/examples/cms/content"
)

// mostParents bounds the list of possible parents.
const mostParents = 500

// A place is the position of an item in its tree, with the possible parents.
type place struct {
	Parent   string
	Position string
	Parents  []itemRow // all items but this one
}

// place returns an item's place. It is nil if the model is not a tree, or if the user may not move or read its items.
func (p *Pages) place(r *http.Request, m content.Model, item content.Item) (*place, error) {
	if m.Type != content.Tree || !may(r, content.Permission(m.Name, content.Reorder)) || !may(r, content.Permission(m.Name, content.Read)) {
		return nil, nil
	}
	items, _, err := p.Content.Page(r.Context(), m, true, mostParents, 0)
	if err != nil {
		return nil, err
	}
	at := &place{Position: "0"}
	if item["_o"] != nil {
		at.Position = fmt.Sprint(item["_o"])
	}
	at.Parent, _ = item["_pid"].(string)
	there := at.Parent == ""
	for _, other := range items {
		if other.ID() != item.ID() {
			at.Parents = append(at.Parents, itemRow{ID: other.ID(), Title: title(m, other)})
			there = there || other.ID() == at.Parent
		}
	}
	if !there { // not in the list, but still the parent
		at.Parents = append(at.Parents, itemRow{ID: at.Parent, Title: at.Parent})
	}
	return at, nil
}

// placed reads the new position. Without that input the item is not moved.
func placed(r *http.Request) (parent string, position int, moves bool, err error) {
	if !r.PostForm.Has("position") {
		return "", 0, false, nil
	}
	if position, err = strconv.Atoi(strings.TrimSpace(r.PostForm.Get("position"))); err != nil {
		err = errors.New("the position is not a whole number, such as 0 or 12")
	}
	return r.PostForm.Get("parent"), position, true, err
}
