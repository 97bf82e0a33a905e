package content

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// A needle is text that the document of every matching item contains. It is searched for before the document is
// decoded, which takes most of the time.
type needle []byte

const maxIDs = 500 // in one SQL statement

// narrow derives from the outermost conditions of a filter what the database, or a search of the bytes, can decide
// early. The filter itself still runs on each item. A filter that is not strict may match other spellings.
func (q *Query) narrow(conditions map[string]any, strict bool) {
	if !strict {
		return
	}
	for field, value := range conditions {
		text, ok := value.(string)
		switch {
		case field == "_id" && ok:
			q.ids = []string{text}
		case field == "_id":
			q.ids = listed(value)
		case ok && !strings.HasPrefix(field, "$"):
			// json.Marshal writes the documents, so a text always has the same spelling in them.
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

// where returns the SQL condition for items that can match.
func (q Query) where(m Model) (condition string, args []any) {
	condition, args = `model = $1 AND state = $2`, []any{m.Name, published}
	if q.ids != nil {
		condition += ` AND id IN (NULL`
		for _, id := range q.ids {
			if ValidName(id) { // PostgreSQL refuses invalid text, which would look like a store failure
				args = append(args, id)
				condition += fmt.Sprintf(`, $%d`, len(args))
			}
		}
		condition += `)`
	}
	return condition, args
}

// passes reports whether a document matches, and returns the fields that the query reads.
func (q Query) passes(document []byte) (fields map[string]any, ok bool, err error) {
	for _, n := range q.needles {
		if !bytes.Contains(document, n) {
			return nil, false, nil
		}
	}
	fields, err = pick(document, q.uses)
	return fields, err == nil && (q.filter == nil || q.filter(fields)), err
}
