package content

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

const (
	maxLevels = 5    // of links in linked items
	maxLinked = 5000 // items and models that one answer may fetch for its links
)

// A link is the place of a {"_model": "authors", "_id": "…"} in an item.
type link struct {
	model, id string
	set       func(any)
}

// Populate replaces links by the published items they lead to, as many levels deep as q says. A link to an item that
// does not exist, is not published, or is of a model that may refuses becomes null. Its error may come from may.
func (s *Store) Populate(ctx context.Context, items []Item, q Query, may func(ctx context.Context, model string) (bool, error)) error {
	p := populating{Store: s, locale: q.locale, models: map[string]*Model{}, may: may}
	var links []link
	for _, item := range items {
		links = linksIn(links, item)
	}
	for range q.populate {
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
			next = linksIn(next, item)
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
			m.localise(item, p.locale)
			found[item.ID()] = linked{item, len(document)}
			return true, err
		}, `SELECT document FROM cms_items WHERE model = $1 AND state = $2 AND id IN (`+strings.Join(places, ", ")+`)`, args...)
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// linksIn appends to links all links in the fields of an item, at any depth. The item itself is not a link.
func linksIn(links []link, item map[string]any) []link {
	for field, value := range item {
		links = search(links, value, func(v any) { item[field] = v })
	}
	return links
}

func search(links []link, value any, set func(any)) []link {
	switch value := value.(type) {
	case map[string]any:
		id, hasID := value["_id"].(string)
		model, hasModel := value["_model"].(string)
		if hasID && hasModel {
			return append(links, link{model, id, set})
		}
		for name, one := range value {
			links = search(links, one, func(v any) { value[name] = v })
		}
	case []any:
		for i, one := range value {
			links = search(links, one, func(v any) { value[i] = v })
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
