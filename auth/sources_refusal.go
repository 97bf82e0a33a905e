package auth

import (
	"net/http"
	"strings"
)

// This file holds the refusals of credentials in the wrong place or form. Their texts name the place, never the value.

// The refusals without a place are made once, so that a flood of them allocates nothing.
var (
	refuseAmbiguous = badRequest(ReasonAmbiguous, "The request holds more than one credential. Send exactly one.")
	refuseMisspelt  = badRequest(ReasonMisspeltName, "The name of a header is a misspelling of one that holds a credential.")
	refuseRepeated  = badRequest(ReasonRepeatedKey, "A header that holds a credential is repeated, or is a list. Send exactly one credential.")
	refuseOddQuery  = badRequest(ReasonRepeatedKey, "The query parameter api_key is repeated, is a list, or is written in another way. Send it once.")
)

func badRequest(reason Reason, detail string) *Refusal {
	return &Refusal{Status: http.StatusBadRequest, Reason: reason, Detail: detail, credential: true}
}

// misplaced refuses one of our keys in a header or cookie that is not an accepted source.
func (f *extractor) misplaced(kind, name string) *Refusal {
	return &Refusal{
		Status: http.StatusUnauthorized, Reason: ReasonMisplacedKey, credential: true,
		Detail: "The " + place(kind, name) + " holds an API key, which is not accepted there. " + f.accepted,
	}
}

// notAccepted refuses a credential in one of the known headers. Authorization may also hold a malformed Bearer token,
// or one of our keys under another scheme.
func (f *extractor) notAccepted(where Sources) *Refusal {
	switch where {
	case SourceAPIKeyHeader:
		return f.misplaced("header", "api-key")
	case SourceNonstandardXAPIKey:
		return f.misplaced("header", "X-Api-Key")
	}
	refusal := f.misplaced("header", "Authorization")
	refusal.Detail = "The header Authorization holds a credential in a form that is not accepted. " + f.accepted
	return refusal
}

// inQuery refuses a credential in the query parameter of this name.
func (f *extractor) inQuery(name string) *Refusal {
	return badRequest(ReasonKeyInQuery, "The "+place("query parameter", name)+" holds a credential, which is not accepted there: addresses are logged. "+f.accepted)
}

// maxPlace is shorter than any key, so a name cannot repeat one.
const maxPlace = keyDigits - 8

// place names a header, cookie or query parameter in a text for the client. The client chose the name, so a long
// name, or one with other characters than letters, digits and "-_.", is left out.
func place(kind, name string) string {
	odd := func(r rune) bool { return r >= 0x80 || !nameByte(byte(r)) }
	if name == "" || len(name) > maxPlace || strings.ContainsFunc(name, odd) {
		return kind
	}
	return kind + " " + name
}

func nameByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '-' || c == '_' || c == '.'
}

// acceptedPlaces returns the sentence that tells the client where a key is accepted.
func acceptedPlaces(c Sources) string {
	var places []string
	for _, p := range []struct {
		source Sources
		text   string
	}{
		{SourceAPIKeyHeader, "in the header api-key"},
		{SourceBearer, "in the header Authorization after the word Bearer"},
		{SourceNonstandardXAPIKey, "in the header X-Api-Key"},
		{SourceInsecureQuery, "in the query parameter " + insecureQueryName},
	} {
		if c&p.source != 0 {
			places = append(places, p.text)
		}
	}
	return "Send the key " + strings.Join(places, ", or ") + "."
}
