package content

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// A needle is a text that is in the document of every item that passes a filter. It is searched before the document
// is taken apart, which takes most of the time.
type needle []byte

const maxIDs = 500 // that the database is asked for at once

// narrow finds out what the database, and a look at the bytes, can say about the outermost conditions of a filter.
// The filter itself is asked all the same.
func (q *Query) narrow(conditions map[string]any) {
	for field, value := range conditions {
		text, ok := value.(string)
		switch {
		case field == "_id" && ok:
			q.ids = []string{text}
		case field == "_id":
			q.ids = listed(value)
		case ok && !strings.HasPrefix(field, "$"):
			// Documents are written by json.Marshal, so that a text is always spelt the same in them.
			if quoted, err := json.Marshal(text); err == nil {
				q.needles = append(q.needles, quoted)
			}
		}
	}
}

// listed returns the texts of {"$in": […]}; nil if it is anything else.
func listed(value any) []string {
	operators, _ := value.(map[string]any)
	list, ok := operators["$in"].([]any)
	if !ok || len(list) > maxIDs {
		return nil
	}
	ids := []string{}
	for _, one := range list {
		if id, ok := one.(string); ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// where is the condition for the items that can pass.
func (q Query) where(m Model) (condition string, args []any) {
	condition, args = `model = $1 AND state = $2`, []any{m.Name, published}
	if q.ids != nil {
		condition += ` AND id IN (NULL`
		for _, id := range q.ids {
			if ValidName(id) { // what is no text to PostgreSQL would look like a fault of the store
				args = append(args, id)
				condition += fmt.Sprintf(`, $%d`, len(args))
			}
		}
		condition += `)`
	}
	return condition, args
}

// passes says whether a document passes the filter, and takes it apart if it may.
func (q Query) passes(document []byte) (Item, bool, error) {
	for _, n := range q.needles {
		if !bytes.Contains(document, n) {
			return nil, false, nil
		}
	}
	item, err := decode(document)
	return item, err == nil && (q.filter == nil || q.filter(item)), err
}
