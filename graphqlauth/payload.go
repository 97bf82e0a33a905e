package graphqlauth

import (
	"net/http"
	"slices"
	"strings"

	"github.com/latchkey-go/latchkey/keys"
)

// misnamed is a header that every guard refuses. It stands for a credential under a wrong name.
const misnamed = "Api_key"

// credentials returns the credentials in the payload of connection_init, and in the object "headers" in it, as headers for
// the guard. The text under one of names is that of Authorization, or a key alone. A value that is not text becomes an
// empty header, which the guard refuses.
func credentials(payload map[string]any, names []string, format keys.Format) http.Header {
	found := http.Header{}
	for name, value := range payload {
		text, _ := value.(string)
		inner, isObject := value.(map[string]any)
		header := headerOf(name, text, names)
		switch {
		case header != "":
			found.Add(header, text)
		case isObject && strings.EqualFold(name, "headers"):
			for header, values := range credentials(inner, names, format) {
				found[header] = append(found[header], values...)
			}
		case isMisnamed[fold(name)] || isKey(name, format) || holdsKey(value, format):
			found.Set(misnamed, "")
		}
	}
	return found
}

// headerOf returns the header that a name in the payload stands for, or "".
func headerOf(name, text string, names []string) string {
	switch header := http.CanonicalHeaderKey(name); {
	case header == "Api-Key" || header == "Authorization" || header == "X-Api-Key":
		return header
	case !slices.ContainsFunc(names, func(own string) bool { return strings.EqualFold(own, name) }):
		return ""
	case strings.Contains(text, " "):
		return "Authorization"
	}
	return "Api-Key"
}

// isMisnamed has names that stand for a key, and that only [Websocket.KeyNames] makes names of one.
var isMisnamed = map[string]bool{"apikey": true, "xapikey": true, "accesstoken": true, "authorization": true}

// fold removes case and separators from a name.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r == ' ' {
			return -1
		}
		return r
	}, strings.ToLower(name))
}

// isKey reports whether text is one of our keys, alone or after one word such as a scheme. A key inside other text is
// not found; package auth treats headers the same way.
func isKey(text string, format keys.Format) bool {
	words := strings.Fields(text)
	n := len(words)
	return (n == 1 || n == 2) && format.Matches(strings.Trim(words[n-1], `"`))
}

// holdsKey reports whether value contains one of our keys at any depth.
func holdsKey(value any, format keys.Format) bool {
	switch v := value.(type) {
	case string:
		return isKey(v, format)
	case []any:
		return slices.ContainsFunc(v, func(element any) bool { return holdsKey(element, format) })
	case map[string]any:
		for name, element := range v {
			if isKey(name, format) || holdsKey(element, format) {
				return true
			}
		}
	}
	return false
}

// redact removes a valid key from the payload, because gqlgen gives the same map to resolvers. An Authorization beside
// an api-key is not one of our keys: the guard would have refused two credentials.
func redact(payload map[string]any, names []string, found http.Header) {
	_, beside := found["Api-Key"]
	for name, value := range payload {
		text, _ := value.(string)
		if header := headerOf(name, text, names); header == "Api-Key" || header != "" && !beside {
			delete(payload, name)
		}
		if inner, ok := value.(map[string]any); ok && strings.EqualFold(name, "headers") {
			redact(inner, names, found)
		}
	}
}
