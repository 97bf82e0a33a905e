package main

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// expand replaces the macros of the corpus: {{NAME}} is a key, {{NAME:…}} is text made when the test runs. An unknown
// macro is an error, since the entry would then test something else.
func expand(text string, fixtures map[string]string) (string, error) {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{{")
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		inner, after, ok := cutBalanced(rest)
		if !ok {
			return "", fmt.Errorf("macro never ends: %.40s", rest)
		}
		made, err := expandOne(inner, fixtures)
		if err != nil {
			return "", fmt.Errorf("macro %.40s: %w", inner, err)
		}
		out.WriteString(made)
		text = after
	}
}

// cutBalanced cuts text at the first }} that does not close an inner brace.
func cutBalanced(text string) (inner, after string, ok bool) {
	open := 0
	for i := range len(text) {
		switch {
		case text[i] == '{':
			open++
		case text[i] == '}' && open > 0:
			open--
		case strings.HasPrefix(text[i:], "}}"):
			return text[:i], text[i+2:], true
		}
	}
	return "", "", false
}

func expandOne(inner string, fixtures map[string]string) (string, error) {
	name, rest, _ := strings.Cut(inner, ":")
	if key := fixtures[name]; key != "" && rest == "" {
		return key, nil
	}
	number, what := rest, ""
	switch name {
	case "repeat", "repeatcsv":
		colon := strings.LastIndexByte(rest, ':')
		if colon < 1 {
			return "", fmt.Errorf("no text and number")
		}
		number, what = rest[colon+1:], rest[:colon]
	case "aliases":
		number, what, _ = strings.Cut(rest, ":")
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 {
		return "", fmt.Errorf("no such macro, or no number")
	}
	switch name {
	case "repeat":
		return strings.Repeat(what, n), nil
	case "repeatcsv":
		return strings.Repeat(what+", ", n-1) + what, nil
	case "aliases":
		var out strings.Builder
		for i := range n {
			fmt.Fprintf(&out, "a%d:%s ", i, what)
		}
		return out.String(), nil
	case "depth": // n levels, all of them in the schema
		return "{posts{" + strings.Repeat("related{", n-2) + "id" + strings.Repeat("}", n), nil
	case "fragbomb": // 2^n fields, written in n lines
		var out strings.Builder
		fmt.Fprintf(&out, "{...F%d} fragment F0 on Query{posts{title}}", n)
		for i := range n {
			fmt.Fprintf(&out, " fragment F%d on Query{...F%d ...F%d}", i+1, i, i)
		}
		return out.String(), nil
	}
	return "", fmt.Errorf("no such macro")
}

func TestMacros(t *testing.T) {
	fixtures := map[string]string{"USR": "USR-1"}
	for in, want := range map[string]string{
		"api-key: {{USR}}":                     "api-key: USR-1",
		`{"query": "{posts{title}}"}`:          `{"query": "{posts{title}}"}`,
		"{ {{aliases:2:posts{title}}} }":       "{ a0:posts{title} a1:posts{title}  }",
		`[{{repeatcsv:{"query":"{a{b}}"}:2}}]`: `[{"query":"{a{b}}"}, {"query":"{a{b}}"}]`,
		"{ {{repeat:a :3}} }":                  "{ a a a  }",
		"{{depth:3}}":                          "{posts{related{id}}}",
		"{{fragbomb:1}}":                       "{...F1} fragment F0 on Query{posts{title}} fragment F1 on Query{...F0 ...F0}",
		"no macro { { at } } all":              "no macro { { at } } all",
	} {
		got, err := expand(in, fixtures)
		require.NoError(t, err, in)
		require.Equal(t, want, got, in)
	}
	for _, in := range []string{"{{USER}}", "{{USR:reverse}}", "{{USR", "{{depth:x}}", "{{repeat:3}}", "{{}}", "{{aliases:0:a}}"} {
		_, err := expand(in, fixtures)
		require.Error(t, err, in)
	}
}
