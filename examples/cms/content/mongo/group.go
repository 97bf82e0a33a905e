package mongo

// accumulators compute the fields of a group from the values of its documents.
var accumulators = map[string]func(values []any) any{
	"$sum":  func(values []any) any { sum, _ := sum(values); return asNumber(sum) },
	"$avg":  func(values []any) any { sum, n := sum(values); return asNumber(sum / n) }, // null without numbers
	"$min":  func(values []any) any { return extreme(values, -1) },
	"$max":  func(values []any) any { return extreme(values, 1) },
	"$push": func(values []any) any { return values },
	"$addToSet": func(values []any) any {
		seen, all := map[string]bool{}, []any{}
		for _, v := range values {
			if key := keyOf(v); !seen[key] {
				seen[key], all = true, append(all, v)
			}
		}
		return all
	},
	"$first": func(values []any) any { return extreme(values, 0) },
	"$last":  func(values []any) any { return values[len(values)-1] },
}

// sum adds the numbers among values, and counts them.
func sum(values []any) (sum, n float64) {
	for _, v := range values {
		if f, ok := numeric(v); ok {
			sum, n = sum+f, n+1
		}
	}
	return sum, n
}

// extreme returns the greatest value if sign is 1, the least if it is -1, and the first if it is 0. Null is none.
func extreme(values []any, sign int) (found any) {
	for _, v := range values {
		if v != nil && (found == nil || compare(v, found)*sign > 0) {
			found = v
		}
	}
	return found
}

// group compiles {"_id": "$kind", "n": {"$sum": 1}}. The groups are in the order in which their first documents
// appear. As in Cockpit, the keys 1, "1" and true are the same.
func (c *Compiler) group(of Doc) (run, error) {
	type output struct {
		field      string
		accumulate func([]any) any
		value      expression
	}
	var outputs []output
	by, err := c.operand(of["_id"], maxDepth)
	if _, ok := of["_id"]; err != nil || !ok {
		return nil, refuse("no _id, or a wrong one:", "$group")
	}
	delete(of, "_id")
	for field, v := range of {
		for name, operand := range members(v) {
			value, err := c.operand(operand, maxDepth)
			if err != nil || accumulators[name] == nil || c.pay(1) != nil {
				return nil, refuse("an unknown accumulator, or a wrong value for it:", name)
			}
			outputs = append(outputs, output{field, accumulators[name], value})
		}
		if len(members(v)) != 1 || !fieldName(field) {
			return nil, refuse("no accumulator:", field)
		}
	}
	return whole(func(docs []Doc) (result []Doc) {
		groups, places := [][]Doc(nil), map[string]int{}
		for _, doc := range docs {
			id := by(doc)
			key := text(id)
			if id == nil || composite(id) {
				key = keyOf(id)
			}
			i, there := places[key]
			if !there {
				i = len(groups)
				places[key] = i
				groups, result = append(groups, nil), append(result, Doc{"_id": id})
			}
			groups[i] = append(groups[i], doc)
		}
		for i, group := range groups {
			for _, o := range outputs {
				values := make([]any, len(group))
				for k, doc := range group {
					values[k] = o.value(doc)
				}
				result[i][o.field] = o.accumulate(values)
			}
		}
		return result
	}), nil
}
