package console

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/latchkey-go/latchkey/keys"
)

// A newKey is the one page that holds a key.
type newKey struct {
	Page        string // where the key is managed
	Refreshed   bool
	Key         keyRow
	Value       string
	Curl, Fetch string
}

// showNewKey answers with the value of a key: in this answer, which no cache keeps, and never again.
func (v *visit) showNewKey(issued keys.Issued, body newKey) error {
	body.Key, body.Value = rowOf(issued.Record), issued.Key.Reveal()
	try := v.apiURL()
	body.Curl = "curl -H " + shellQuote("api-key: "+body.Value) + " " + shellQuote(try)
	body.Fetch = "const answer = await fetch(" + strconv.Quote(try) + ", {\n  headers: { \"api-key\": " + strconv.Quote(body.Value) +
		" },\n});\nconsole.log(answer.status, await answer.text());"
	heading := "New key"
	if body.Refreshed {
		heading = "New value"
	}
	return v.show(http.StatusOK, "newkey", page{Heading: heading, Body: body})
}

// apiURL is the address that the lines to try a key ask.
func (v *visit) apiURL() string {
	base := url.URL{Scheme: "http", Host: v.r.Host, Path: "/"}
	if v.r.TLS != nil {
		base.Scheme = "https"
	}
	to, err := base.Parse(v.APIURL)
	if err != nil {
		return base.String()
	}
	return to.String()
}

// shellQuote makes one word of text for a shell.
func shellQuote(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
