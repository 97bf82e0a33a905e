package console

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
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
	return v.show("keys", "API keys", body)
}

// A keyRow is the record of a key on a page.
type keyRow struct {
	keys.Record // from a ring, so without digests
	State       keys.State
	Weak        bool      // it can be guessed until it is refreshed
	OldUntil    time.Time // the value before a refresh is good until then
}

func rowOf(rec keys.Record) keyRow {
	now := time.Now()
	row := keyRow{Record: rec, State: rec.State(now)}
	row.Weak = rec.Weak && row.State != keys.StateInvalidated // an invalidated key cannot be refreshed
	if rec.PreviousUntil.After(now) {
		row.OldUntil = rec.PreviousUntil
	}
	return row
}

func (v *visit) showNewKeyForm() error {
	// A user without the permission must learn it before filling in the form.
	if _, _, err := v.service.Keys(v.r.Context(), v.who, keys.Filter{Limit: 1}, ""); err != nil {
		return err
	}
	form := v.sentKey()
	options, err := v.roleOptions(form.Role, true)
	if err != nil {
		return err
	}
	return v.show("key", "New API key", keyPage{Form: form, Roles: options, Opened: formTimestamp(time.Now())})
}

func (v *visit) createKey() (string, error) {
	form := v.sentKey()
	var set keys.Settings
	if err := errors.Join(form.checkCustom(), form.settings(&set)); err != nil {
		return "", err
	}
	v.making.Lock()
	defer v.making.Unlock()
	made, err := v.madeSince(v.field("opened"), set)
	if err != nil {
		return "", err
	}
	if made != nil {
		v.status = http.StatusConflict
		v.alert = &alert{Title: "Made already", Page: keyAddress(made.ID), PageText: "See the key that was made",
			Text: "Just this key has been made since the form was opened, so nothing was done: a form may be sent twice by accident. To have one more like it, create it again."}
		return "", v.showNewKeyForm()
	}
	issued, err := v.service.CreateKey(v.r.Context(), v.who, keys.Custom{
		Name: set.Name, Role: set.Role, Scopes: set.Scopes, AllowedIPs: set.AllowedIPs, ExpiresAt: set.ExpiresAt})
	return v.showNewKey(newKey{Page: keyAddress(issued.Record.ID)}, issued, err)
}

// madeSince returns a custom key like set that was made since a form was opened. A form that is sent again, by Reload,
// Back or a second click, is recognised by the key that it made before. A redirect would prevent that, but the new key
// would have to be stored for the next page. Callers hold v.making.
func (v *visit) madeSince(opened string, set keys.Settings) (*keys.Record, error) {
	ms, err := strconv.ParseUint(opened, 10, 48)
	if err != nil {
		ms = 0 // a form without a time: look at all keys
	}
	// IDs are UUIDs of version 7, which begin with the millisecond: this ID is before all of that millisecond.
	f := keys.Filter{Limit: 1000, After: fmt.Sprintf("%08x-%04x-7000-8000-000000000000", ms>>16, ms&0xffff)}
	for {
		page, next, err := v.service.Keys(v.r.Context(), v.who, f, "")
		if err != nil {
			return nil, err
		}
		for i := range page {
			if alike(&page[i], &set) {
				return &page[i], nil
			}
		}
		if next == "" {
			return nil, nil
		}
		f.After = next
	}
}

// alike reports whether rec may be the key made of set. A ring may add an expiry to a key without one.
func alike(rec *keys.Record, set *keys.Settings) bool {
	same := func(a, b netip.Prefix) bool { return a.Masked() == b.Masked() }
	return rec.Name == set.Name && rec.Role == set.Role && slices.Equal(rec.Scopes, set.Scopes) &&
		slices.EqualFunc(rec.AllowedIPs, set.AllowedIPs, same) && (set.ExpiresAt.IsZero() || set.ExpiresAt.Equal(rec.ExpiresAt))
}

// formTimestamp returns a time for madeSince.
func formTimestamp(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

// A newKey is the only page that holds the value of a key.
type newKey struct {
	Page        string // where the key is managed
	Refreshed   bool
	Key         keyRow
	Value       string
	Curl, Fetch string
}

// showNewKey is the end of a button that issues a value. It shows the value, in this answer, which no cache keeps, and never
// again, unless the operation failed.
func (v *visit) showNewKey(body newKey, issued keys.Issued, err error) (string, error) {
	if err != nil {
		return "", err
	}
	body.Key, body.Value = rowOf(issued.Record), issued.Key.Reveal()
	try := v.apiURL()
	body.Curl = "curl -H " + shellQuote("api-key: "+body.Value) + " " + shellQuote(try)
	body.Fetch = "const answer = await fetch(" + strconv.Quote(try) + ", {\n  headers: { \"api-key\": " + strconv.Quote(body.Value) +
		" },\n});\nconsole.log(answer.status, await answer.text());"
	heading := "New key"
	if body.Refreshed {
		heading = "New value"
	}
	return "", v.show("newkey", heading, body)
}

// apiURL returns the address in the lines to try a key.
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
