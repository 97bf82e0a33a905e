package content

import (
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"

	"github.com/latchkey-go/latchkey/examples/cms/content/json5"
)

// A Query selects items and their order. The zero Query selects all items of a model.
type Query struct {
	filter      filter
	ids         []string // if not nil, only items with one of these can match
	needles     []needle // texts that the documents of all matching items contain
	sort        []order
	fields      projection
	limit, skip int
	paged       bool
	populate    int
	locale      string
	atMost      int // 0 is MaxItems
}

// Options are the parts of a query as the client wrote them. nil or zero means not given.
type Options struct {
	Filter   json.RawMessage `json:"filter"`
	Sort     json.RawMessage `json:"sort"`
	Fields   json.RawMessage `json:"fields"`
	Limit    *int            `json:"limit"`
	Skip     *int            `json:"skip"`
	Populate int             `json:"populate"` // levels of links to follow
	Locale   string          `json:"locale"`
}

// A ParameterError names a parameter that cannot be parsed. Its text is Cockpit's.
type ParameterError struct{ Name, Want string }

func (e *ParameterError) Error() string { return fmt.Sprintf("<%s> is not %s", e.Name, e.Want) }

// ParseQuery reads Cockpit's parameters: filter, fields and sort as JSON5 (filter[title]=x too), limit, skip and
// populate as numbers, and locale.
func ParseQuery(values url.Values) (Query, error) {
	o := Options{Locale: values.Get("locale")}
	for _, part := range []struct {
		name string
		to   *json.RawMessage
	}{{"filter", &o.Filter}, {"fields", &o.Fields}, {"sort", &o.Sort}} {
		if text := values.Get(part.name); text != "" {
			var err error
			if *part.to, err = json5.Convert(text); err != nil {
				return Query{}, &ParameterError{part.name, "valid json"}
			}
		}
	}
	populate := &o.Populate
	for _, number := range []struct {
		name string
		to   **int
	}{{"limit", &o.Limit}, {"skip", &o.Skip}, {"populate", &populate}} {
		if text := values.Get(number.name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil {
				return Query{}, &ParameterError{number.name, "a number"}
			}
			*number.to = &n
		}
	}
	o.Populate = *populate
	q, err := o.Query()
	if err != nil {
		return Query{}, err
	}
	return q.withForm(values)
}

// Query compiles the options. Its error is a *ParameterError.
func (o Options) Query() (q Query, err error) {
	q = Query{locale: localeOf(o.Locale), paged: o.Limit != nil && o.Skip != nil, populate: min(o.Populate, maxLevels)}
	if q.populate < 0 {
		q.populate = maxLevels
	}
	if q.limit, err = count("limit", o.Limit); err != nil {
		return Query{}, err
	}
	if q.skip, err = count("skip", o.Skip); err != nil {
		return Query{}, err
	}
	if err = q.parseFilter(o.Filter, &compiler{locale: q.locale}); err != nil {
		return Query{}, &ParameterError{"filter", "valid json"}
	}
	if q.sort, err = parseSort(o.Sort, q.locale); err != nil {
		return Query{}, &ParameterError{"sort", "valid json"}
	}
	if q.fields, err = parseFields(o.Fields); err != nil {
		return Query{}, &ParameterError{"fields", "valid json"}
	}
	return q, nil
}

// count returns a number of items, bounded so that sums do not overflow.
func count(name string, n *int) (int, error) {
	switch {
	case n == nil:
		return 0, nil
	case *n < 0:
		return 0, &ParameterError{name, "a number"}
	}
	return min(*n, math.MaxInt32), nil
}

// withForm adds filter[title]=x, whose values are all texts.
func (q Query) withForm(values url.Values) (Query, error) {
	all := []filter{}
	for name := range values {
		rest, ok := strings.CutPrefix(name, "filter[")
		if !ok {
			continue
		}
		field, ok := strings.CutSuffix(rest, "]")
		if !ok || !fieldName(field) || strings.ContainsAny(field, "[]") {
			return Query{}, &ParameterError{"filter", "valid json"}
		}
		if field == "_state" {
			continue
		}
		if len(all) == maxConditions {
			return Query{}, &ParameterError{"filter", "valid json"}
		}
		want, path := values.Get(name), path(field, q.locale)
		all = append(all, func(i Item) bool {
			value := at(i, path)
			n, isNumber := value.(json.Number)
			return same(value, want) || isNumber && n.String() == want
		})
	}
	if len(all) > 0 {
		if q.filter != nil {
			all = append(all, q.filter)
		}
		q.filter = allOf(all)
	}
	return q, nil
}

// Paged reports whether limit and skip were both given: then the answer has the total.
func (q Query) Paged() bool { return q.paged }

// Levels is how many levels of links to follow.
func (q Query) Levels() int { return q.populate }

// Locale is the requested language; "" is that of fields without suffix.
func (q Query) Locale() string { return q.locale }

// First narrows the query to its first item.
func (q Query) First() Query {
	q.limit, q.skip, q.paged = 1, 0, false
	return q
}

// AtMost makes more than n items the error ErrTooMany. The default is MaxItems.
func (q Query) AtMost(n int) Query {
	q.atMost = n
	return q
}

// A projection selects fields. The zero projection selects all.
type projection struct {
	wanted  map[string]bool
	narrows bool // to the wanted fields and _id
}

// parseFields reads {"title": 1, "_id": 0}.
func parseFields(text json.RawMessage) (p projection, err error) {
	if nothing(text) {
		return projection{}, nil
	}
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil || members == nil {
		return projection{}, errFilter
	}
	p.wanted = map[string]bool{}
	for field, value := range members {
		switch value {
		case 1.0, true:
			p.wanted[field] = true
			p.narrows = p.narrows || field != "_id" || len(members) == 1
		case 0.0, false:
			p.wanted[field] = false
		default:
			return projection{}, errFilter
		}
	}
	return p, nil
}

// of removes fields: if any field is 1, all others except _id; else those at 0.
func (p projection) of(item Item) {
	for field := range item {
		wanted, listed := p.wanted[field]
		if listed && !wanted || p.narrows && !listed && field != "_id" {
			delete(item, field)
		}
	}
}

// nothing reports whether a part of a query is missing or empty. PHP writes an empty object as [].
func nothing(text json.RawMessage) bool {
	return len(text) == 0 || string(text) == "[]" || string(text) == "{}"
}
