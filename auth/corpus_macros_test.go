package auth_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// macro is what the corpus writes for text that is made up when the test runs. In braces stands the name of
// a fixture, {{NAME}} or {{NAME:form}} or {{NAME:form:X}}, or a repetition, {{repeat:TEXT:N}}.
var macro = regexp.MustCompile(`\{\{([^{}]*)\}\}`)

// mangle makes the forms of a key. Each takes the key and the X of the macro, which is "" where there is none.
var mangle = map[string]func(f fixture, x string) string{
	"lowerprefix": func(f fixture, _ string) string { return strings.ToLower(f.prefix()) + f.digits() },
	"dropprefix":  func(f fixture, _ string) string { return f.digits() },
	"prefix":      func(f fixture, x string) string { return x + f.digits() },
	"swapcase":    func(f fixture, _ string) string { return f.prefix() + strings.ToUpper(f.digits()) },
	"drop1":       func(f fixture, _ string) string { return f.text[:len(f.text)-1] },
	"add":         func(f fixture, x string) string { return f.text + x },
	"flip":        flip,
	"swap":        func(f fixture, _ string) string { return f.prefix() + swapTwo(f.digits()) },
	"sub":         func(f fixture, x string) string { return f.text[:20] + x + f.text[21:] },
	"reverse":     func(f fixture, _ string) string { b := []byte(f.text); slices.Reverse(b); return string(b) },
	"sha256hex":   func(f fixture, _ string) string { s := sha256.Sum256([]byte(f.text)); return hex.EncodeToString(s[:]) },
	"id":          func(f fixture, _ string) string { return f.id },
	"b64":         func(f fixture, _ string) string { return base64.StdEncoding.EncodeToString([]byte(f.text)) },
	"pctdash":     func(f fixture, _ string) string { return strings.ReplaceAll(f.text, "-", "%2D") },
	"basicuser":   func(f fixture, _ string) string { return base64.StdEncoding.EncodeToString([]byte(f.text + ":x")) },
	"basicpass":   func(f fixture, _ string) string { return base64.StdEncoding.EncodeToString([]byte("x:" + f.text)) },
}

func (f fixture) prefix() string { return f.text[:len("USR-")] }
func (f fixture) digits() string { return f.text[len("USR-"):] }

// flip puts another digit in the place of the first or the last one.
func flip(f fixture, where string) string {
	b := []byte(f.text)
	i := len(b) - 1
	if where == "first" {
		i = len(f.prefix())
	}
	if b[i] == '0' {
		b[i] = '1'
	} else {
		b[i] = '0'
	}
	return string(b)
}

// swapTwo swaps the first two neighbours that differ.
func swapTwo(s string) string {
	for i := 1; i < len(s); i++ {
		if s[i] != s[i-1] {
			return s[:i-1] + s[i:i+1] + s[i-1:i] + s[i+1:]
		}
	}
	return s
}

// An expander writes out macros, and notes which keys it wrote as they are.
type expander struct {
	keys  map[string]fixture
	whole []string // names of fixtures
}

// expand returns text with all its macros written out. What it does not know, or what changes nothing, is an
// error: an entry that is not what it says proves nothing.
func (x *expander) expand(text string) (string, error) {
	var failed error
	out := macro.ReplaceAllStringFunc(text, func(m string) string {
		s, err := x.one(m[2 : len(m)-2])
		if err != nil && failed == nil {
			failed = fmt.Errorf("macro %s: %w", m, err)
		}
		return s
	})
	return out, failed
}

func (x *expander) one(inner string) (string, error) {
	name, rest, _ := strings.Cut(inner, ":")
	separator, repeats := map[string]string{"repeat": "", "repeatline": "\r\n", "repeatcsv": ", "}[name]
	if repeats {
		colon := strings.LastIndexByte(rest, ':')
		n, err := strconv.Atoi(rest[colon+1:])
		if colon < 1 || err != nil || n < 1 {
			return "", fmt.Errorf("no text and number")
		}
		return strings.Repeat(rest[:colon]+separator, n-1) + rest[:colon], nil
	}
	f, ok := x.keys[name]
	if !ok {
		return "", fmt.Errorf("no such fixture")
	}
	if rest == "" {
		x.whole = append(x.whole, name)
		return f.text, nil
	}
	form, with, _ := strings.Cut(rest, ":")
	if mangle[form] == nil {
		return "", fmt.Errorf("no such form of a key")
	}
	text := mangle[form](f, with)
	if text == f.text {
		return "", fmt.Errorf("it changes nothing")
	}
	return text, nil
}

// bytes makes the request of an entry as it goes over the wire.
func (x *expander) bytes(e *entry) ([]byte, error) {
	lines := []string{e.Request}
	if !e.NoHost {
		lines = append(lines, "Host: h")
	}
	lines = append(append(lines, e.Headers...), "Connection: close")
	body := e.Body
	if !e.Literal {
		for i := range lines {
			line, err := x.expand(lines[i])
			if err != nil {
				return nil, err
			}
			lines[i] = line
		}
		var err error
		if body, err = x.expand(body); err != nil {
			return nil, err
		}
	}
	if body != "" {
		lines = append(lines, "Content-Length: "+strconv.Itoa(len(body)))
	}
	text := strings.Join(lines, "\r\n") + "\r\n\r\n" + body
	if e.Enc != "latin1" {
		return []byte(text), nil
	}
	var out []byte
	for _, r := range text {
		if r > 0xff {
			return nil, fmt.Errorf("%q is not in Latin-1", r)
		}
		out = append(out, byte(r))
	}
	return out, nil
}

func TestCorpusMacros(t *testing.T) {
	const d = "0012456789abcdef0123456789abcdefdeadbeef"
	x := &expander{keys: map[string]fixture{"USR": {"USR-" + d, "the-id"}, "SAME": {"USR-" + strings.Repeat("0", 40), "id"}}}
	for in, want := range map[string]string{
		"{{USR}}":                      "USR-" + d,
		"Bearer {{USR}}, {{USR:id}}":   "Bearer USR-" + d + ", the-id",
		"{{USR:lowerprefix}}":          "usr-" + d,
		"{{USR:dropprefix}}":           d,
		"{{USR:prefix:API-}}":          "API-" + d,
		"{{USR:swapcase}}":             "USR-0012456789ABCDEF0123456789ABCDEFDEADBEEF",
		"{{USR:drop1}}":                "USR-" + d[:39],
		"{{USR:add:0}}":                "USR-" + d + "0",
		"{{USR:flip:first}}":           "USR-1" + d[1:],
		"{{USR:flip:last}}":            "USR-" + d[:39] + "0",
		"{{USR:swap}}":                 "USR-0102" + d[4:],
		"{{USR:sub:!}}":                "USR-0012456789abcdef!123456789abcdefdeadbeef",
		"{{USR:reverse}}":              "feebdaedfedcba9876543210fedcba9876542100-RSU",
		"{{USR:pctdash}}":              "USR%2D" + d,
		"{{USR:basicuser}}":            strings.TrimPrefix(basic("USR-"+d, "x"), "Basic "),
		"{{USR:basicpass}}":            strings.TrimPrefix(basic("x", "USR-"+d), "Basic "),
		"{{repeat:a=1&:3}}":            "a=1&a=1&a=1&",
		"{{repeatline:api-key: a:2}}":  "api-key: a\r\napi-key: a",
		"{{repeatcsv:a:2}}":            "a, a",
		"{ {USR} } and {{ never ended": "{ {USR} } and {{ never ended",
	} {
		got, err := x.expand(in)
		require.NoError(t, err, in)
		require.Equal(t, want, got, in)
	}
	for _, in := range []string{
		"{{USER}}", "{{USR:upside}}", "{{SAME:swap}}", "{{USR:prefix:USR-}}", "{{SAME:swapcase}}", "{{repeat:A}}", "{{repeat:A:x}}", "{{}}",
	} {
		_, err := x.expand(in)
		require.Error(t, err, in)
	}
}
