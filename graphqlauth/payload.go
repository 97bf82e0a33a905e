package graphqlauth

import (
	"net/http"
	"strings"

	"github.com/99designs/gqlgen/graphql/handler/transport"

	"github.com/latchkey-go/latchkey/keys"
)

// misnamed is a header that every guard refuses. It stands for a credential where none may stand.
const misnamed = "Api_key"

// credentials returns what the payload of connection_init shows, as headers for the guard to judge. What is no
// text becomes an empty header, which is refused: it was shown, and is not good.
func credentials(payload transport.InitPayload, format keys.Format) http.Header {
	shown := http.Header{}
	for name, value := range payload {
		header := http.CanonicalHeaderKey(name)
		switch header {
		case "Api-Key", "Authorization", "X-Api-Key":
			text, _ := value.(string)
			shown.Add(header, text)
			continue
		}
		switch fold(name) {
		case "apikey", "xapikey", "accesstoken", "authorization":
			shown.Set(misnamed, "")
			continue
		}
		if isKey(name, format) || holdsKey(value, format) {
			shown.Set(misnamed, "")
		}
	}
	return shown
}

// fold takes away how a name is written.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r == ' ' {
			return -1
		}
		return r
	}, strings.ToLower(name))
}

// isKey reports whether text is one of our keys, alone or after a single word such as a scheme. Other text around a key
// hides it, as package auth has it for headers.
func isKey(text string, format keys.Format) bool {
	words := strings.Fields(text)
	n := len(words)
	return (n == 1 || n == 2) && format.Matches(strings.Trim(words[n-1], `"`))
}

// holdsKey reports whether one of our keys stands anywhere in value.
func holdsKey(value any, format keys.Format) bool {
	switch v := value.(type) {
	case string:
		return isKey(v, format)
	case []any:
		for _, element := range v {
			if holdsKey(element, format) {
				return true
			}
		}
	case map[string]any:
		for name, element := range v {
			if isKey(name, format) || holdsKey(element, format) {
				return true
			}
		}
	}
	return false
}

// redact takes the key out of a payload that was found to hold a good one. gqlgen hands the same map to resolvers.
// An Authorization beside an api-key is somebody else's, or the guard had refused both.
func redact(payload transport.InitPayload, shown http.Header) {
	_, alone := shown["Api-Key"]
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
