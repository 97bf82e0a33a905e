package mongo

import "reflect"

// An expression computes a value from a document.
type expression func(Doc) any

// operand compiles "$price", {"$add": ["$price", 1]} or a value that stands for itself.
func (c *Compiler) operand(v any, depth int) (expression, error) {
	if name, ok := v.(string); ok && len(name) > 1 && name[0] == '$' {
		path := c.path(name[1:])
		if !fieldName(path[0]) {
			return nil, refuse("an unknown variable:", name)
		}
		return func(doc Doc) any { return at(doc, path) }, nil
	}
	if hasOperator(v) {
		return c.expression(v, depth)
	}
	return func(Doc) any { return v }, nil
}

// expression compiles {"$gt": ["$price", 10]}.
func (c *Compiler) expression(v any, depth int) (expression, error) {
	if err := c.pay(1); err != nil || depth <= 0 || len(members(v)) != 1 {
		return nil, refuse("an expression that is too deep, or has none or several operators:", text(v))
	}
	for operator, operands := range members(v) {
		compile := c.operand
		if operator == "$and" || operator == "$or" || operator == "$not" {
			compile = c.expression
		}
		of, ok := operands.(map[string]any)
		list, isList := operands.([]any)
		switch {
		case operator == "$cond" && ok:
			list = []any{of["if"], of["then"], of["else"]}
		case !isList:
			list = []any{operands}
		}
		all := make([]expression, len(list))
		for i, one := range list {
			var err error
			if all[i], err = compile(one, depth-1); err != nil {
				return nil, err
			}
		}
		if e := operation(operator, all); e != nil {
			return e, nil
		}
		return nil, refuse("an unknown expression:", operator)
	}
	return nil, nil // not reached
}

// operation returns the expression of an operator; nil if there is none for so many operands.
func operation(operator string, all []expression) expression {
	two := len(all) == 2
	switch {
	case operator == "$eq" && two:
		return func(doc Doc) any { return reflect.DeepEqual(all[0](doc), all[1](doc)) } // PHP's ===
	case operator == "$ne" && two:
		return func(doc Doc) any { return !equal(all[0](doc), all[1](doc)) }
	case (operator == "$gt" || operator == "$gte" || operator == "$lt" || operator == "$lte") && two:
		return func(doc Doc) any { return ordered(operator, compare(all[0](doc), all[1](doc))) }
	case operator == "$not" && len(all) == 1:
		return func(doc Doc) any { return !truthy(all[0](doc)) }
	case operator == "$and", operator == "$or":
		return func(doc Doc) any {
			for _, e := range all {
				if truthy(e(doc)) == (operator == "$or") {
					return operator == "$or"
				}
			}
			return operator == "$and"
		}
	case operator == "$cond" && len(all) == 3:
		return func(doc Doc) any { return all[2-rank(truthy(all[0](doc)))](doc) }
	case operator == "$add" && len(all) > 0:
		return arithmetic(all, func(x, y float64) float64 { return x + y })
	case operator == "$multiply" && len(all) > 0:
		return arithmetic(all, func(x, y float64) float64 { return x * y })
	case operator == "$subtract" && two:
		return arithmetic(all, func(x, y float64) float64 { return x - y })
	case operator == "$divide" && two:
		return arithmetic(all, func(x, y float64) float64 { return x / y })
	}
	return nil
}

// arithmetic combines numbers. The result is null if a value is none, or if there is no result.
func arithmetic(all []expression, combine func(x, y float64) float64) expression {
	return func(doc Doc) any {
		result := 0.0
		for i, e := range all {
			y, ok := summand(e(doc))
			if !ok {
				return nil
			}
			if result = combine(result, y); i == 0 {
				result = y
			}
		}
		return asNumber(result)
	}
}

// summand is a value's number in a calculation: null is 0, true is 1.
func summand(v any) (float64, bool) {
	if b, ok := v.(bool); ok || v == nil {
		return float64(rank(b)), true
	}
	return numeric(v)
}
