package content

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/latchkey-go/latchkey/examples/cms/content/mongo"
)

const (
	maxLevels = 5    // of links in linked items
	maxLinked = 5000 // items and models that one answer may fetch for its links
)

// A link is the place of a {"_model": "authors", "_id": "…"} in an item.
type link struct {
	model, id string
	set       func(any)
	reach     reach
}

// A reach is how far links are followed from an object or list, as in Cockpit: it counts nested lists and objects, and
// begins again in a linked item.
type reach struct {
	populate int // what the client asked for, less one for each linked item
	left     int // levels; a link in this object or list is followed if it is not negative
}

// linked is the reach of an item that a link within r leads to.
func (r reach) linked() reach {
	if r.populate > 1 {
		return reach{r.populate - 1, r.populate}
	}
	return reach{r.populate, r.left - 1}
}

// Populate replaces links by the published items they lead to, about as many levels deep as q says. A link to an item that
// does not exist, is not published, or is of a model that may refuses becomes null. Its error may come from may.
func (s *Store) Populate(ctx context.Context, items []Item, q Query, may func(ctx context.Context, model string) (bool, error)) error {
	p := populating{Store: s, locale: q.locale, models: map[string]*Model{}, may: may}
	if q.populate == 0 {
		return nil
	}
	var links []link
	for _, item := range items {
		links = search(links, map[string]any(item), reach{q.populate, q.populate + q.alone})
	}
	for range maxLevels {
		if len(links) == 0 {
			return nil
		}
		next, err := p.follow(ctx, links)
		if err != nil {
			return err
		}
		links = next
	}
	return nil
}

type populating struct {
	*Store
	locale  string
	models  map[string]*Model // nil: the caller may not read it
	may     func(ctx context.Context, model string) (bool, error)
	fetched int // items and models read
	read    int // of the items' documents, in bytes
	size    int // of the linked items in the result, in bytes
}

// A linked item, and the size of its document.
type linked struct {
	item map[string]any
	size int
}

// follow replaces links and returns the links within the linked items.
func (p *populating) follow(ctx context.Context, links []link) (next []link, err error) {
	byModel := map[string][]link{}
	for _, l := range links {
		byModel[l.model] = append(byModel[l.model], l)
	}
	for name, links := range byModel {
		model, err := p.model(ctx, name)
		if err != nil {
			return nil, err
		}
		found := map[string]linked{}
		if model != nil {
			if found, err = p.fetch(ctx, *model, links); err != nil {
				return nil, err
			}
		}
		for _, l := range links {
			there, ok := found[l.id]
			if !ok {
				l.set(nil)
				continue
			}
			if p.size += there.size; p.size > maxBytes { // an item that is linked twice is in the answer twice
				return nil, ErrTooMany
			}
			item := copied(there.item).(map[string]any) // links to one item must not share a value that is changed later
			item["_model"] = name
			l.set(item)
			next = search(next, item, l.reach.linked())
		}
		if len(next) > maxLinked {
			return nil, ErrTooMany
		}
	}
	return next, nil
}

// model returns nil if there is no such model, or if the caller may not read it.
func (p *populating) model(ctx context.Context, name string) (*Model, error) {
	if model, asked := p.models[name]; asked {
		return model, nil
	}
	if p.fetched++; p.fetched > maxLinked {
		return nil, ErrTooMany
	}
	p.models[name] = nil
	if ok, err := p.may(ctx, name); err != nil || !ok {
		return nil, err
	}
	model, err := p.Model(ctx, name)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p.models[name] = &model
	return &model, nil
}

// fetch reads linked items in batches.
func (p *populating) fetch(ctx context.Context, m Model, links []link) (map[string]linked, error) {
	wanted := map[string]bool{}
	var ids []any
	for _, l := range links {
		if ValidName(l.id) && !wanted[l.id] {
			wanted[l.id] = true
			ids = append(ids, l.id)
		}
	}
	if p.fetched += len(ids); p.fetched > maxLinked {
		return nil, ErrTooMany
	}
	found := map[string]linked{}
	for len(ids) > 0 {
		some := ids[:min(len(ids), maxIDs)]
		ids = ids[len(some):]
		args, places := []any{m.Name, published}, []string{}
		for _, id := range some {
			args = append(args, id)
			places = append(places, fmt.Sprintf("$%d", len(args)))
		}
		err := p.each(ctx, func(document []byte) (bool, error) {
			if p.read += len(document); p.read > maxBytes {
				return false, ErrTooMany
			}
			item, err := decode(document)
			m.localise(item, p.locale, mongo.Projection{})
			found[item.ID()] = linked{item, len(document)}
			return true, err
		}, `SELECT document FROM cms_items WHERE model = $1 AND state = $2 AND id IN (`+strings.Join(places, ", ")+`)`, args...)
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// search appends to links all links within an object or list that are to be followed.
func search(links []link, in any, r reach) []link {
	if r.left < 0 {
		return links
	}
	one := func(value any, r reach, set func(any)) {
		of, _ := value.(map[string]any)
		id, hasID := of["_id"].(string)
		model, hasModel := of["_model"].(string)
		if hasID && hasModel {
			links = append(links, link{model, id, set, r})
		} else {
			links = search(links, value, reach{r.populate, r.left - 1})
		}
	}
	switch in := in.(type) {
	case map[string]any:
		for name, value := range in {
			if name == "_children" { // these are items of the same list
				links = search(links, value, reach{r.populate, r.left + 1})
				continue
			}
			one(value, r, func(v any) { in[name] = v })
		}
	case []any:
		for i, value := range in {
			one(value, r, func(v any) { in[i] = v })
		}
	}
	return links
}

func copied(value any) any {
	switch value := value.(type) {
	case map[string]any:
		all := make(map[string]any, len(value))
		for name, one := range value {
			all[name] = copied(one)
		}
		return all
	case []any:
		all := make([]any, len(value))
		for i, one := range value {
			all[i] = copied(one)
		}
		return all
	}
	return value
}
