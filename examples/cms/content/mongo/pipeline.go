package mongo

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
)

// ErrTooMuch means that a stage of a pipeline made more than its limits allow.
var ErrTooMuch = errors.New("mongo: a pipeline made too much")

const maxStages = 20 // in a pipeline

// Limits bound the documents that each stage of a pipeline makes, and their size as JSON, approximately.
type Limits struct{ Docs, Bytes int }

// A run maps documents to documents. Documents share their values, so it changes copies of them.
type run func(ctx context.Context, docs []Doc, most Limits) ([]Doc, error)

// A Pipeline is the stages of an aggregation.
type Pipeline []run

// Run runs the pipeline. It returns an error wrapping ErrTooMuch, or that of ctx. As in Cockpit, it ends when a stage
// leaves no documents.
func (p Pipeline) Run(ctx context.Context, docs []Doc, most Limits) (_ []Doc, err error) {
	for _, run := range p {
		docs, err = run(ctx, docs, most)
		left := most.Bytes
		if err == nil && (len(docs) > most.Docs || slices.ContainsFunc(docs, func(doc Doc) bool { return !fits(doc, &left) })) {
			err = ErrTooMuch
		}
		if err = cmp.Or(ctx.Err(), err); err != nil {
			return nil, err
		}
		if len(docs) == 0 {
			break
		}
	}
	return docs, nil
}

// fits subtracts the size of a value from left and reports whether it was enough. A value that is in several places is
// in the answer as often.
func fits(v any, left *int) bool {
	if *left -= 8 + len(text(v)); composite(v) {
		for name, one := range members(v) {
			if *left -= len(name); *left < 0 || !fits(one, left) {
				return false
			}
		}
	}
	return *left >= 0
}

// ParsePipeline compiles a list of stages such as {"$match": {…}}. Filters compare as PHP does. Other stages of Cockpit
// are refused: $lookup because it could read models that the caller may not read, $out and $merge because they write,
// and the others because no client needed them.
func (c *Compiler) ParsePipeline(raw []byte) (p Pipeline, err error) {
	var list []map[string]json.RawMessage
	if json.Unmarshal(raw, &list) != nil || list == nil {
		return nil, ErrJSON
	}
	if len(list) > maxStages {
		return nil, &Error{"too many stages"}
	}
	c.Loose = true
	for _, stage := range list {
		if len(stage) != 1 {
			return nil, &Error{"a stage with none or several names"}
		}
		for name, raw := range stage {
			operand, err := decode(raw)
			if err != nil {
				return nil, err
			}
			run, err := c.stage(name, operand, raw)
			if err != nil {
				return nil, err
			}
			p = append(p, run)
		}
	}
	return p, nil
}

func (c *Compiler) stage(name string, operand any, raw []byte) (run, error) {
	object, isObject := operand.(map[string]any)
	if list, ok := operand.([]any); ok && len(list) == 0 { // PHP writes an empty object as []
		object, isObject = Doc{}, true
	}
	n, isNumber := operand.(json.Number)
	places, isPlaces := int(number(n)), isNumber && number(n) >= 0 && number(n) < 1<<30 && typeOf(n) == "integer"
	switch {
	case name == "$match" && isObject:
		f, err := c.filter(object, maxDepth)
		if len(c.Links) > 0 {
			err = refuse("a link in", name)
		}
		return each(func(doc Doc, put func(Doc)) {
			if f == nil || f(doc) {
				put(doc)
			}
		}), err
	case name == "$sort" && isObject && len(object) > 0:
		order, err := c.order(raw, map[string]int{"-1": -1, "desc": -1, "1": 1, "asc": 1}, compare)
		return whole(func(docs []Doc) []Doc { return slices.SortedStableFunc(slices.Values(docs), order) }), err
	case name == "$limit" && isPlaces:
		return whole(func(docs []Doc) []Doc { return docs[:min(places, len(docs))] }), nil
	case name == "$skip" && isPlaces:
		return whole(func(docs []Doc) []Doc { return docs[min(places, len(docs)):] }), nil
	case name == "$project" && isObject:
		p, err := newProjection(object, true)
		return each(func(doc Doc, put func(Doc)) {
			doc = maps.Clone(doc)
			p.Of(doc)
			put(doc)
		}), err
	case name == "$addFields" && isObject:
		return c.addFields(object)
	case name == "$unwind":
		return unwind(operand)
	case name == "$group" && isObject:
		return c.group(object)
	case name == "$sortByCount":
		group, err := c.group(Doc{"_id": operand, "count": Doc{"$sum": json.Number("1")}})
		return func(ctx context.Context, docs []Doc, most Limits) ([]Doc, error) {
			docs, err := group(ctx, docs, most)
			slices.SortStableFunc(docs, func(a, b Doc) int { return compare(b["count"], a["count"]) })
			return docs, err
		}, err
	case name == "$count" && fieldName(text(operand)):
		return whole(func(docs []Doc) []Doc { return []Doc{{text(operand): asNumber(float64(len(docs)))}} }), nil
	}
	return nil, &Error{"an unsupported stage: " + name[:min(len(name), 60)]}
}

// whole is the run of a stage that needs all documents.
func whole(f func([]Doc) []Doc) run {
	return func(_ context.Context, docs []Doc, _ Limits) ([]Doc, error) { return f(docs), nil }
}

// each is the run of a stage that takes one document at a time and puts any number in its place.
func each(f func(doc Doc, put func(Doc))) run {
	return func(ctx context.Context, docs []Doc, most Limits) (result []Doc, err error) {
		for _, doc := range docs {
			f(doc, func(doc Doc) {
				if len(result) <= most.Docs { // one more is an error
					result = append(result, doc)
				}
			})
			if err := ctx.Err(); err != nil {
				return nil, err
			}
		}
		return result, nil
	}
}

func (c *Compiler) addFields(fields Doc) (run, error) {
	values := map[string]expression{}
	for field, v := range fields {
		e, err := c.operand(v, maxDepth)
		if err = cmp.Or(err, c.pay(1)); err != nil || !fieldName(field) || strings.Count(field, ".") >= maxDepth {
			return nil, cmp.Or(err, refuse("no name for a field:", field))
		}
		values[field] = e
	}
	return each(func(doc Doc, put func(Doc)) {
		changed := doc
		for field, e := range values {
			changed = with(changed, strings.Split(field, "."), e(doc), false)
		}
		put(changed)
	}), nil
}

// unwind compiles "$labels" or {"path": "$labels", "includeArrayIndex": "i", "preserveNullAndEmptyArrays": true}.
func unwind(operand any) (run, error) {
	of, isObject := operand.(map[string]any)
	if !isObject {
		of = Doc{"path": operand}
	}
	for name := range of {
		if !slices.Contains([]string{"path", "includeArrayIndex", "preserveNullAndEmptyArrays"}, name) {
			return nil, refuse("an unknown option of $unwind:", name)
		}
	}
	field, ok := strings.CutPrefix(text(of["path"]), "$")
	index, keep := text(of["includeArrayIndex"]), truthy(of["preserveNullAndEmptyArrays"])
	if !ok || !fieldName(field) || index != "" && !fieldName(index) {
		return nil, refuse("no field to unwind:", text(of["path"]))
	}
	path := strings.Split(field, ".")
	return each(func(doc Doc, put func(Doc)) {
		v := at(doc, path)
		list, _ := v.([]any)
		if m, ok := v.(map[string]any); ok {
			list = slices.Collect(maps.Values(m))
		}
		for i, one := range list {
			changed := with(doc, path, one, false)
			if index != "" {
				changed[index] = asNumber(float64(i))
			}
			put(changed)
		}
		if len(list) == 0 && keep {
			changed := with(doc, path, nil, true)
			if index != "" {
				changed[index] = nil
			}
			put(changed)
		}
	}), nil
}
