package mongo

import (
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode/utf8"
)

const (
	maxPattern = 1000 // bytes of a $regex, or of the text of a $text
	maxProgram = 1000 // instructions of all patterns of a query; matching takes this times the length of the text
	maxText    = 64 << 10
)

// regex compiles a $regex. As in Cockpit, case is ignored unless the pattern is written as /Hello/ with flags after
// it, and a pattern that has a slash but does not begin with one matches nothing. The language is RE2's, the size is
// bounded together with the query's other patterns, and only the first maxText bytes of a text are searched, so
// matching is fast.
func (c *Compiler) regex(operand any) (func(any) bool, error) {
	pattern, ok := operand.(string)
	flags := "i"
	if inner, delimited := strings.CutPrefix(pattern, "/"); delimited {
		end := strings.LastIndexByte(inner, '/')
		if ok = end >= 0; ok {
			pattern, flags = inner[:end], strings.ReplaceAll(inner[end+1:], "u", "") // u is always on
		}
	} else if unescaped.MatchString(pattern) {
		return func(any) bool { return false }, nil
	}
	if flags != "" {
		pattern = "(?" + flags + ")" + pattern
	}
	if expression, err := regexp.Compile(pattern); ok && err == nil && len(pattern) <= maxPattern && strings.Trim(flags, "ims") == "" {
		parsed, _ := syntax.Parse(pattern, syntax.Perl)
		program, _ := syntax.Compile(parsed.Simplify())
		if c.program += len(program.Inst); c.program <= maxProgram {
			return func(v any) bool {
				text, ok := v.(string)
				return ok && expression.MatchString(text[:min(len(text), maxText)])
			}, nil
		}
	}
	return nil, refuse("a pattern that RE2 does not support, or that is too long:", pattern)
}

// unescaped finds a slash that ends a pattern.
var unescaped = regexp.MustCompile(`^(?:[^\\/]|\\.)*/`)

// fuzzy compiles {"$text": "hello"}, or with options {"$search": "hello", "$minScore": 0.7, "$distance": 3}. The score
// is the average over the words that are looked for: 1 for each word of the text that contains it, less for each that
// differs in at most $distance letters.
func fuzzy(operand any) (func(any) bool, error) {
	distance, least, search := 3.0, 0.7, operand
	if options, ok := operand.(map[string]any); ok {
		search = options["$search"]
		for name, option := range options {
			f, ok := numeric(option)
			switch {
			case name == "$distance" && ok && f <= 20:
				distance = f
			case name == "$minScore" && ok:
				least = f
			case name != "$search":
				return nil, refuse("an unknown option of $text:", name)
			}
		}
	}
	needles := strings.Split(strings.ToLower(text(search)), " ")
	if composite(search) || search == nil || len(text(search)) > maxPattern || len(needles) > 20 {
		return nil, refuse("no text, or one that is too long:", "$text")
	}
	return func(v any) bool {
		s, score := text(v), 0.0
		for word := range strings.SplitSeq(strings.ToLower(s[:min(len(s), maxText)]), " ") {
			for _, needle := range needles {
				letters := float64(utf8.RuneCountInString(word))
				if strings.Contains(word, needle) {
					score++
				} else if d := float64(levenshtein(needle, word, int(distance))); letters > 0 && d <= distance {
					score += (letters - d) / letters
				}
			}
		}
		return score/float64(len(needles)) >= least
	}, nil
}

// levenshtein is the number of letters to insert, remove or replace; most+1 if the lengths differ by more than most.
func levenshtein(a, b string, most int) int {
	x, y := []rune(a), []rune(b)
	if len(x)-len(y) > most || len(y)-len(x) > most {
		return most + 1
	}
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i, c := range x {
		before := row[0]
		row[0] = i + 1
		for j, d := range y {
			change := before + rank(c != d)
			before = row[j+1]
			row[j+1] = min(change, before+1, row[j]+1)
		}
	}
	return row[len(y)]
}
