package graphqlauth

import (
	"net/http"
	"slices"
	"strings"

	"github.com/99designs/gqlgen/graphql/handler/transport"

	"github.com/latchkey-go/latchkey/keys"
)

// misnamed is a header that every guard refuses. It stands for a credential under a wrong name.
const misnamed = "Api_key"

// credentials returns the credentials in the payload of connection_init as headers for the guard. A value that is not
// text becomes an empty header, which the guard refuses.
func credentials(payload transport.InitPayload, format keys.Format) http.Header {
	headers := http.Header{}
	for name, value := range payload {
		header := http.CanonicalHeaderKey(name)
		switch header {
		case "Api-Key", "Authorization", "X-Api-Key":
			text, _ := value.(string)
			headers.Add(header, text)
			continue
		}
		switch fold(name) {
		case "apikey", "xapikey", "accesstoken", "authorization":
			headers.Set(misnamed, "")
			continue
		}
		if isKey(name, format) || holdsKey(value, format) {
			headers.Set(misnamed, "")
		}
	}
	return headers
}

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
func redact(payload transport.InitPayload, headers http.Header) {
	_, alone := headers["Api-Key"]
	for name := range payload {
		switch http.CanonicalHeaderKey(name) {
		case "Api-Key":
			delete(payload, name)
		case "Authorization", "X-Api-Key":
			if !alone {
				delete(payload, name)
			}
		}
	}
}
