package auth

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"

	"github.com/latchkey-go/latchkey/keys"
)

// Sources is a set of places where a key is accepted in a request.
type Sources uint8

const (
	// SourceAPIKeyHeader is the header "api-key", as in Cockpit.
	SourceAPIKeyHeader Sources = 1 << iota
	// SourceBearer is "Authorization: Bearer", RFC 6750 section 2.1; the scheme in any case.
	SourceBearer
	// SourceNonstandardXAPIKey is the header "X-Api-Key". Gateways tend to consume, log or cache it, and caches do
	// not know it: Vary names it only if this source is set.
	SourceNonstandardXAPIKey
	// SourceInsecureQuery is the query parameter "api_key". Spellings that other servers accept for it, such as
	// "API_KEY", "api%5Fkey" and "api_key[]", are refused with 400. Addresses end up in logs, histories and Referer
	// headers; RFC 6750 sections 2.3 and 5.3 advise against it.
	SourceInsecureQuery
)

// maxCredential is the length of the longest header value that is read as a key, in bytes.
const maxCredential = 256

// A credential is the text that a request presents as its key.
type credential struct {
	text   string
	source Sources // where it was found; 0 if there is none of ours
}

// An extractor reads credentials from the headers and the query. It is immutable.
type extractor struct {
	sources       Sources
	firstWins     bool
	foreignBearer bool
	queryNames    []string
	format        keys.Format
	accepted      string // the sentence that says where a key is accepted

	shortest, longest int // lengths of the query names
}

func newExtractor(c Config, format keys.Format) extractor {
	f := extractor{
		sources: c.Sources, firstWins: c.InsecureFirstWins, foreignBearer: c.ForeignBearer,
		queryNames: slices.Clone(c.QueryNames), format: format, accepted: acceptedPlaces(c.Sources),
	}
	if c.QueryNames == nil {
		f.queryNames = defaultQueryNames
	}
	f.shortest = len(insecureQueryName)
	for _, name := range slices.Concat(f.queryNames, defaultQueryNames) {
		f.shortest, f.longest = min(f.shortest, len(name)), max(f.longest, len(name))
	}
	return f
}

// extract returns the one credential of a request, none (source 0), or a refusal. Any malformed credential is
// refused, and so are two credentials unless firstWins is set; then the first in the order below is used. It decides
// on form alone and calls no store. Refusals with 400 come before those with 401.
func (f *extractor) extract(h http.Header, rawQuery string) (credential, *Refusal) {
	var found candidates
	if misspelt(h, "Api_key") || f.sources&SourceNonstandardXAPIKey != 0 && misspelt(h, "X_api_key", "X_api-Key", "X-Api_key") {
		return credential{}, refuseMisspelt
	}
	if rawQuery != "" {
		value, n, refusal := f.query(rawQuery)
		if n > 1 {
			refusal = refuseOddQuery
		}
		if refusal != nil {
			return credential{}, refusal
		}
		if n == 1 {
			found.add(value, SourceInsecureQuery)
		}
	}
	if values, ok := h["Api-Key"]; ok {
		if len(values) != 1 || strings.IndexByte(values[0], ',') >= 0 {
			return credential{}, refuseRepeated
		}
		if f.sources&SourceAPIKeyHeader != 0 {
			found.add(values[0], SourceAPIKeyHeader)
		} else {
			found.misplace(SourceAPIKeyHeader)
		}
	}
	if values, ok := h["Authorization"]; ok {
		if len(values) != 1 {
			return credential{}, refuseRepeated
		}
		switch token, what := f.authorization(values[0]); what {
		case several:
			return credential{}, refuseRepeated
		case wrongPlace:
			found.misplace(SourceBearer)
		case ours:
			found.add(token, SourceBearer)
		}
	}
	if values, ok := h["X-Api-Key"]; ok {
		switch {
		case f.sources&SourceNonstandardXAPIKey != 0:
			if len(values) != 1 || strings.IndexByte(values[0], ',') >= 0 {
				return credential{}, refuseRepeated
			}
			found.add(values[0], SourceNonstandardXAPIKey)
		case f.anyKey(values):
			found.misplace(SourceNonstandardXAPIKey)
		}
	}
	switch {
	case found.count == 0:
		return credential{}, f.stray(h)
	case found.count > 1 && (found.misplaced != 0 || found.malformed || !f.firstWins):
		return credential{}, refuseAmbiguous
	case found.misplaced != 0:
		return credential{}, f.notAccepted(found.misplaced)
	case found.malformed:
		return credential{}, refuseMalformed
	}
	return found.first, nil
}

// candidates collects the credentials of a request, source by source.
type candidates struct {
	first     credential
	count     int
	misplaced Sources // the last place that holds a key and is not accepted; 0 if there is none
	malformed bool
}

func (f *candidates) add(text string, source Sources) {
	if f.count == 0 {
		f.first = credential{text, source}
	}
	f.count++
	// An empty or too long text, or one with blanks or control bytes around it, is not a key of any kind.
	f.malformed = f.malformed || text == "" || len(text) > maxCredential || text[0] <= ' ' || text[len(text)-1] <= ' '
}

func (f *candidates) misplace(where Sources) {
	f.count++
	f.misplaced = where
}

// misspelt reports whether h has one of these headers: canonical forms of a source's name with an underscore, which a
// proxy may have taken for the source.
func misspelt(h http.Header, names ...string) bool {
	for _, name := range names {
		if _, ok := h[name]; ok {
			return true
		}
	}
	return false
}

// The kinds of Authorization header.
type authorizationKind int

const (
	foreign    authorizationKind = iota // another scheme, or a token of the host: treated as absent
	ours                                // a Bearer with a token, valid or not
	wrongPlace                          // holds one of our keys, or garbles Bearer
	several                             // a list
)

func (f *extractor) authorization(value string) (token string, what authorizationKind) {
	const bearer = "bearer"
	if len(value) < len(bearer) || !strings.EqualFold(value[:len(bearer)], bearer) {
		if value == "" || f.format.Contains(value) || f.inBasic(value) {
			return "", wrongPlace
		}
		return "", foreign
	}
	rest := value[len(bearer):]
	token = strings.TrimLeft(rest, " ")
	switch {
	case strings.IndexByte(rest, ',') >= 0:
		return "", several
	case f.foreignBearer && token != "" && rest[0] == ' ' && !f.format.Contains(rest):
		return "", foreign
	case f.sources&SourceBearer == 0, rest != "" && rest[0] != ' ':
		return "", wrongPlace
	}
	return token, ours
}

// inBasic reports whether value is Basic authentication with one of our keys in user or password (RFC 7617). Some
// clients use the URL alphabet of base64, or percent-encode the text before or after base64; inBasic decodes all of
// these forms.
func (f *extractor) inBasic(value string) bool {
	const basic = "basic"
	if len(value) <= len(basic) || !strings.EqualFold(value[:len(basic)], basic) || value[len(basic)] != ' ' && value[len(basic)] != '\t' {
		return false
	}
	encoded := strings.Trim(value[len(basic):], " \t=")
	if len(encoded) > 8*maxCredential {
		return true // longer than a user and a password: refused without decoding
	}
	encoded = unescape(strings.ReplaceAll(encoded, "+", "-")) // here '+' does not mean a blank
	decoded, _ := base64.RawURLEncoding.DecodeString(urlAlphabet.Replace(encoded))
	text := string(decoded) // if decoding failed, the text before the error
	return f.format.Contains(text) || f.format.Contains(unescape(text))
}

var urlAlphabet = strings.NewReplacer("+", "-", "/", "_", "=", "")

func (f *extractor) anyKey(values []string) bool {
	for _, v := range values {
		if f.format.HasPrefix(strings.TrimLeft(v, " ")) || f.format.Contains(v) {
			return true
		}
	}
	return false
}
