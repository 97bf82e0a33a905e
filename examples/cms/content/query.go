package content

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/latchkey-go/latchkey/examples/cms/content/form"
	"github.com/latchkey-go/latchkey/examples/cms/content/json5"
	"github.com/latchkey-go/latchkey/examples/cms/content/mongo"
)

// A Query selects items and their order. The zero Query selects all items of a model.
type Query struct {
	filter      mongo.Filter
	links       []*mongo.Link
	ids         []string        // if not nil, only items with one of these can match
	needles     []needle        // texts that the documents of all matching items contain
	uses        map[string]bool // the fields that filter and sort read
	sort        mongo.Order
	fields      mongo.Projection
	limit, skip int
	paged       bool
	populate    int
	alone       int // 1 if one item is asked for, not a list
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

// A ParameterError names a parameter that is refused, and why. Its text may be sent to the client.
type ParameterError struct {
	Name    string
	Want    string
	Problem string // what the parameter has, if it is not Want
}

func (e *ParameterError) Error() string {
	if e.Problem != "" {
		return fmt.Sprintf("<%s> has %s", e.Name, e.Problem)
	}
	return fmt.Sprintf("<%s> is not %s", e.Name, e.Want)
}

// refused returns the error of a parameter of JSON. Cockpit has a text for what cannot be read.
func refused(name string, err error) error {
	if errors.Is(err, mongo.ErrJSON) {
		return &ParameterError{Name: name, Want: "valid json"}
	}
	return &ParameterError{Name: name, Problem: err.Error()}
}

// ParseQuery reads Cockpit's parameters: filter, fields and sort as JSON5 or as PHP's arrays (filter[title]=x), limit,
// skip and populate as numbers, and locale.
func ParseQuery(values form.Values) (Query, error) {
	o := Options{Locale: values.Text("locale")}
	if values["locale"].Composite {
		return Query{}, &ParameterError{Name: "locale", Want: "a name"}
	}
	for name, to := range map[string]*json.RawMessage{"filter": &o.Filter, "fields": &o.Fields, "sort": &o.Sort} {
		if value, given := values[name]; given {
			var err error
			if *to, err = json5.Convert(value.Text); err != nil {
				return Query{}, &ParameterError{Name: name, Want: "valid json"}
			}
		}
	}
	populate := &o.Populate
	for name, to := range map[string]**int{"limit": &o.Limit, "skip": &o.Skip, "populate": &populate} {
		if value, given := values[name]; given {
			n, ok := ParseInt(value.Text)
			if *to = &n; !ok {
				return Query{}, &ParameterError{Name: name, Want: "a number"}
			}
		}
	}
	o.Populate = *populate
	return o.Query()
}

// ParseInt reads a number as PHP's intval does: nothing, a word such as null is 0, and a list that is not empty is 1.
// A semicolon ends it, since some clients separate parameters by it. It refuses all other texts.
func ParseInt(text string) (int, bool) {
	text, _, _ = strings.Cut(text, ";")
	switch text = strings.TrimSpace(text); text {
	case "", "null", "true", "false", "undefined":
		return 0, true
	}
	if text[0] == '[' || text[0] == '{' {
		return 1, true
	}
	n, err := strconv.Atoi(text)
	return n, err == nil
}

// Query compiles the options. Its error is a *ParameterError.
func (o Options) Query() (q Query, err error) {
	q = Query{locale: localeOf(o.Locale), paged: o.Limit != nil && o.Skip != nil, populate: min(o.Populate, maxLevels)}
	if q.populate < 0 {
		q.populate = maxLevels
	}
	if q.limit = count(o.Limit); q.limit > 0 { // as in Cockpit, skip needs a limit
		q.skip = count(o.Skip)
	}
	c := mongo.Compiler{Locale: q.locale}
	if !nothing(o.Filter) {
		var conditions mongo.Doc
		if q.filter, conditions, err = c.ParseFilter(o.Filter); err != nil {
			return Query{}, refused("filter", err)
		}
		q.narrow(conditions, !c.Loose)
	}
	if !nothing(o.Sort) {
		if q.sort, err = c.ParseOrder(o.Sort); err != nil {
			return Query{}, refused("sort", err)
		}
	}
	if !nothing(o.Fields) {
		if q.fields, err = mongo.ParseProjection(o.Fields); err != nil {
			return Query{}, refused("fields", err)
		}
	}
	q.links, q.uses = c.Links, c.Uses
	return q, nil
}

// count returns a number of items, bounded so that sums do not overflow. Less than none is not given.
func count(n *int) int {
	if n == nil {
		return 0
	}
	return min(max(*n, 0), math.MaxInt32)
}

// Links are the conditions on linked items. They match nothing until the caller has set what they match.
func (q Query) Links() []*mongo.Link { return q.links }

// Paged reports whether limit and skip were both given: then the answer has the total.
func (q Query) Paged() bool { return q.paged }

// Levels is how many levels of links to follow.
func (q Query) Levels() int { return q.populate }

// Locale is the requested language; "" is that of fields without suffix.
func (q Query) Locale() string { return q.locale }

// First narrows the query to its first item.
func (q Query) First() Query {
	q.limit, q.skip, q.paged, q.alone = 1, 0, false, 1
	return q
}

// Unsorted removes the order.
func (q Query) Unsorted() Query {
	q.sort = nil
	return q
}

// AtMost makes more than n items the error ErrTooMany. The default is MaxItems.
func (q Query) AtMost(n int) Query {
	q.atMost = n
	return q
}

// nothing reports whether a part of a query is missing or empty. PHP writes an empty object as [].
func nothing(text json.RawMessage) bool {
	switch string(text) {
	case "", "[]", "{}", "null":
		return true
	}
	return false
}
