package console

import (
	"net/http"
	"time"

	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

func (c *console) keyRoutes() {
	c.handle("GET /api", (*visit).showKeys)
	c.handle("GET /api/create", func(v *visit) error { return v.showNewKeyForm(http.StatusOK, keyForm{}, nil) })
	c.handlePost("/api/create", map[string]func(*visit) error{"create": (*visit).createKey})
	c.handle("GET /api/key/{id}", func(v *visit) error { return v.showKey(http.StatusOK, nil) })
	c.handlePost("/api/key/{id}", map[string]func(*visit) error{
		"save": (*visit).saveKey, "refresh": (*visit).refreshKey, "remove": (*visit).removeKey,
		"disable": (*visit).disableKey, "enable": (*visit).enableKey, "invalidate": (*visit).invalidateKey,
	})
}

// A keyForm is what people write about a key, as they wrote it.
type keyForm struct{ Name, Role, Scopes, Networks, Expires string }

// A keyPage is the page of one key, or of one that is about to be made.
type keyPage struct {
	Key   *keyRow // nil: not made yet
	User  bool    // it is a user's key
	Match string
	Form  keyForm
	Roles []roleOption
}

type roleOption struct {
	AppID, Name string
	Chosen      bool
}

// sentKey is the form that was sent.
func (v *visit) sentKey() keyForm {
	return keyForm{v.field("name"), v.field("role"), v.field("scopes"), v.field("allowed_ips"), v.field("expires_at")}
}

func formOf(rec *keys.Record) keyForm {
	row := rowOf(*rec)
	lines := func(all []string) (text string) {
		for _, line := range all {
			text += line + "\n"
		}
		return text
	}
	return keyForm{rec.Name, rec.Role, lines(rec.Scopes), lines(row.Networks), formTime(rec.ExpiresAt)}
}

// settings are what the form says, on top of what a key has.
func (f keyForm) settings(set *keys.Settings) error {
	networks, err := parseNetworks(f.Networks)
	if err != nil {
		return err
	}
	if f.Expires != formTime(set.ExpiresAt) { // the form shows minutes: what was left alone keeps its seconds
		if set.ExpiresAt, err = parseTime(f.Expires); err != nil {
			return err
		}
	}
	set.Name, set.Role, set.Scopes, set.AllowedIPs = f.Name, f.Role, fieldLines(f.Scopes), networks
	return nil
}

// roleOptions lists the roles to choose from, the built-in one included if withAdmin.
func (v *visit) roleOptions(chosen string, withAdmin bool) ([]roleOption, error) {
	all, err := v.service.Roles(v.r.Context(), v.who)
	if err != nil {
		return nil, err
	}
	var options []roleOption
	found := chosen == ""
	add := func(appid, name string) {
		options = append(options, roleOption{appid, name, appid == chosen})
		found = found || appid == chosen
	}
	for _, role := range all {
		add(role.AppID, role.Name)
	}
	if withAdmin {
		add(roles.Admin, "built in, may do everything")
	}
	if !found {
		add(chosen, "gone")
	}
	return options, nil
}

func (v *visit) showNewKeyForm(status int, form keyForm, why *alert) error {
	// Whoever may not make keys learns it here, and not after filling in the form.
	if _, _, err := v.service.Keys(v.r.Context(), v.who, admin.KeyFilter{Limit: 1}); err != nil {
		return err
	}
	options, err := v.roleOptions(form.Role, true)
	if err != nil {
		return err
	}
	return v.show(status, "key", page{Heading: "New API key", Alert: why, Body: keyPage{Form: form, Roles: options}})
}

func (v *visit) createKey() error {
	form := v.sentKey()
	var set keys.Settings
	err := form.settings(&set)
	var issued keys.Issued
	if err == nil {
		issued, err = v.service.CreateKey(v.r.Context(), v.who, keys.Custom{
			Name: set.Name, Role: set.Role, Scopes: set.Scopes, AllowedIPs: set.AllowedIPs, ExpiresAt: set.ExpiresAt})
	}
	if err != nil {
		return v.retry(err, func(status int, why *alert) error { return v.showNewKeyForm(status, form, why) })
	}
	return v.showNewKey(issued, newKey{Page: "api/key/" + issued.Record.ID})
}

func (v *visit) showKey(status int, why *alert) error { return v.showKeyForm(status, nil, why) }

// showKeyForm shows a key, with form in place of its settings if somebody has filled it in already.
func (v *visit) showKeyForm(status int, form *keyForm, why *alert) error {
	rec, err := v.service.Key(v.r.Context(), v.who, v.r.PathValue("id"))
	if err != nil {
		return err
	}
	row := rowOf(rec)
	body := keyPage{Key: &row, User: rec.Kind == keys.UserKey, Match: admin.KeyRevision(&rec), Form: formOf(&rec)}
	if form != nil {
		body.Form = *form
	}
	if rec.Kind == keys.CustomKey {
		if body.Roles, err = v.roleOptions(body.Form.Role, true); err != nil {
			return err
		}
	}
	heading := rec.Name
	if heading == "" {
		heading = "Key " + rec.Hint
	}
	return v.show(status, "key", page{Heading: heading, Alert: why, Body: body})
}

func (v *visit) saveKey() error {
	form := v.sentKey()
	_, err := v.service.UpdateKey(v.r.Context(), v.who, v.r.PathValue("id"), v.field("match"), form.settings)
	if err != nil {
		return v.retry(err, func(status int, why *alert) error { return v.showKeyForm(status, &form, kept(status, why)) })
	}
	return v.backToKey("saved")
}

// kept tells people whose form met a change of somebody else's that what they wrote is still there.
func kept(status int, why *alert) *alert {
	if status == http.StatusConflict {
		why.Text = "This has changed since you opened it, so nothing was saved. What you wrote is still in the form: " +
			"save again to put it in the place of the other change, or open the page anew to see that first."
	}
	return why
}

func (v *visit) backToKey(done string) error {
	return v.redirect("api/key/" + v.r.PathValue("id") + "?done=" + done)
}

// overlaps are the choices of how long an old value lives on after the first use of the new one.
var overlaps = map[string]keys.Renewal{
	"": {}, "leaked": {Leaked: true}, "1h": {Overlap: time.Hour}, "24h": {Overlap: 24 * time.Hour}, "168h": {Overlap: 7 * 24 * time.Hour},
}

func (v *visit) refreshKey() error {
	renewal, ok := overlaps[v.field("overlap")]
	if !ok {
		return errForm
	}
	id := v.r.PathValue("id")
	issued, err := v.service.RefreshKey(v.r.Context(), v.who, id, v.field("match"), renewal)
	if err != nil {
		return v.retry(err, v.showKey)
	}
	return v.showNewKey(issued, newKey{Page: "api/key/" + id, Refreshed: true})
}

// changeKey does one of the changes that need nothing but the key.
func (v *visit) changeKey(err error, done string) error {
	if err != nil {
		return v.retry(err, v.showKey)
	}
	return v.backToKey(done)
}

func (v *visit) disableKey() error {
	_, err := v.service.DisableKey(v.r.Context(), v.who, v.r.PathValue("id"), v.field("match"))
	return v.changeKey(err, "disabled")
}

func (v *visit) enableKey() error {
	_, err := v.service.EnableKey(v.r.Context(), v.who, v.r.PathValue("id"), v.field("match"))
	return v.changeKey(err, "enabled")
}

func (v *visit) invalidateKey() error {
	_, err := v.service.InvalidateKey(v.r.Context(), v.who, v.r.PathValue("id"), v.field("match"))
	return v.changeKey(err, "invalidated")
}

func (v *visit) removeKey() error {
	if err := v.service.RemoveKey(v.r.Context(), v.who, v.r.PathValue("id"), v.field("match")); err != nil {
		return v.retry(err, v.showKey)
	}
	return v.redirect("api?done=removed")
}
