package console

import (
	"net/http"
	"net/url"

	"github.com/latchkey-go/latchkey/keys"
)

// A keysPage is the list of custom keys.
type keysPage struct {
	Keys     []keyRow
	Text     string
	State    keys.State
	States   []keys.State
	Filtered bool
	Next     string // the query of the next page
}

func (v *visit) showKeys() error {
	q := v.r.URL.Query()
	body := keysPage{Text: q.Get("q"), State: keys.State(q.Get("state")),
		States: []keys.State{keys.StateActive, keys.StateDisabled, keys.StateExpired, keys.StateInvalidated}}
	body.Filtered = body.Text != "" || body.State != "" || q.Get("after") != ""
	found, next, err := v.service.Keys(v.r.Context(), v.who, keys.Filter{State: body.State, After: q.Get("after")}, body.Text)
	if err != nil {
		return err
	}
	for _, rec := range found {
		body.Keys = append(body.Keys, rowOf(rec))
	}
	if next != "" {
		body.Next = "?" + url.Values{"q": {body.Text}, "state": {string(body.State)}, "after": {next}}.Encode()
	}
	return v.show(http.StatusOK, "keys", page{Heading: "API keys", Body: body})
}
