package content

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
)

// A PipelineError says why a pipeline is refused. Its text may be sent to the client.
type PipelineError struct{ text string }

func (e *PipelineError) Error() string { return e.text }

const maxStages = 20

// A stage maps items to items. Its result is ignored once ctx is done.
type stage func(ctx context.Context, items []Item) []Item

// A Pipeline is the stages of an aggregation.
type Pipeline struct {
	stages []stage
	locale string
	first  Query // the leading $match, which limits what is read
}

// ParsePipeline reads [{"$match": {…}}, {"$sort": {…}}, {"$limit": 10}, {"$skip": 5}, {"$project": {"title": 1}},
// {"$count": "n"}]. Other stages of Cockpit are refused: $lookup because it could read models that the caller may not
// read, $out and $merge because they write, and the others because no client needed them. Its error is a
// *PipelineError.
func ParsePipeline(text json.RawMessage, locale string) (Pipeline, error) {
	var list []map[string]json.RawMessage
	switch {
	case !json.Valid(text):
		return Pipeline{}, &PipelineError{"Pipeline is not valid json"}
	case !bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")) || json.Unmarshal(text, &list) != nil:
		return Pipeline{}, &PipelineError{"Pipeline is not valid list format"}
	case len(list) > maxStages:
		return Pipeline{}, &PipelineError{"Pipeline has too many stages"}
	}
	p := Pipeline{locale: localeOf(locale)}
	c := compiler{locale: p.locale}
	for i, one := range list {
		if len(one) != 1 {
			return Pipeline{}, &PipelineError{"Pipeline has a stage with none or several names"}
		}
		for name, operand := range one {
			if err := p.add(i, name, operand, &c); err != nil {
				return Pipeline{}, err
			}
		}
	}
	return p, nil
}

func (p *Pipeline) add(place int, name string, operand json.RawMessage, c *compiler) error {
	wrong := &PipelineError{"Pipeline has an unsupported stage: " + name}
	part := Query{locale: p.locale}
	switch name {
	case "$match":
		if part.parseFilter(operand, c) != nil {
			return wrong
		}
		if place == 0 {
			p.first = part
			return nil
		}
		p.stages = append(p.stages, func(ctx context.Context, items []Item) []Item {
			return slices.DeleteFunc(items, func(i Item) bool { return ctx.Err() != nil || part.filter != nil && !part.filter(i) })
		})
	case "$sort":
		orders, err := parseSort(operand, p.locale)
		if err != nil {
			return wrong
		}
		part.sort = orders
		p.stages = append(p.stages, func(_ context.Context, items []Item) []Item {
			slices.SortStableFunc(items, part.compare)
			return items
		})
	case "$limit", "$skip":
		var n int
		if json.Unmarshal(operand, &n) != nil || n < 0 {
			return wrong
		}
		p.stages = append(p.stages, func(_ context.Context, items []Item) []Item {
			if name == "$limit" {
				return items[:min(n, len(items))]
			}
			return items[min(n, len(items)):]
		})
	case "$project":
		fields, err := parseFields(operand)
		if err != nil {
			return wrong
		}
		p.stages = append(p.stages, func(_ context.Context, items []Item) []Item {
			for _, item := range items {
				fields.of(item)
			}
			return items
		})
	case "$count":
		var field string
		if json.Unmarshal(operand, &field) != nil || !fieldName(field) {
			return wrong
		}
		p.stages = append(p.stages, func(_ context.Context, items []Item) []Item { return []Item{{field: len(items)}} })
	default:
		return wrong
	}
	return nil
}

// Aggregate runs a pipeline over the published items. For a singleton it returns a *PipelineError.
func (s *Store) Aggregate(ctx context.Context, m Model, p Pipeline) ([]Item, error) {
	if m.Type == Singleton {
		return nil, &PipelineError{fmt.Sprintf("Aggregate method not allowed for <%s>", m.Name)}
	}
	ctx, done, err := turn(ctx, s.searches)
	if err != nil {
		return nil, err
	}
	defer done()
	items, _, err := s.search(ctx, m, p.first)
	if err != nil {
		return nil, err
	}
	for _, stage := range p.stages {
		items = stage(ctx, items)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	for _, item := range items {
		m.localise(item, p.locale)
	}
	return items, nil
}
