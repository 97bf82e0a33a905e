package console

import (
	"net/http"
	"net/url"
	"time"

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

// A keyRow is the record of a key on a page, without digests.
type keyRow struct {
	ID, Name, Hint, UserID, Role, CreatedBy string
	Kind                                    keys.Kind
	State                                   keys.State
	Scopes                                  []string
	Networks                                []string
	CreatedAt, RefreshedAt, ExpiresAt       time.Time
	DisabledAt, InvalidatedAt, LastUsedAt   time.Time
	OldUntil                                time.Time // the value before a refresh is good until then
	Imported                                bool
	Weak                                    bool // it can be guessed until it is refreshed
}

func rowOf(rec keys.Record) keyRow {
	now := time.Now()
	row := keyRow{ID: rec.ID, Name: rec.Name, Hint: rec.Hint, UserID: rec.UserID, Role: rec.Role, CreatedBy: rec.CreatedBy,
		Kind: rec.Kind, State: rec.State(now), Scopes: rec.Scopes, CreatedAt: rec.CreatedAt, RefreshedAt: rec.RefreshedAt,
		ExpiresAt: rec.ExpiresAt, DisabledAt: rec.DisabledAt, InvalidatedAt: rec.InvalidatedAt, LastUsedAt: rec.LastUsedAt,
		Imported: rec.Legacy}
	row.Weak = rec.Weak && row.State != keys.StateInvalidated // an invalidated key cannot be refreshed
	for _, network := range rec.AllowedIPs {
		row.Networks = append(row.Networks, network.String())
	}
	if rec.PreviousUntil.After(now) {
		row.OldUntil = rec.PreviousUntil
	}
	return row
}
