package console

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// A keyForm is the content of a form about a key, unchanged. Role is noRole for a key without one, and "" if none was
// chosen.
type keyForm struct{ Name, Role, Scopes, Networks, Expires string }

// noRole is the choice of a key that may do nothing. No appid begins with a hyphen.
const noRole = "-"

// checkCustom returns an error if a form about a custom key lacks a field. An empty form is more likely a mistake than a
// nameless key that may do nothing.
func (f keyForm) checkCustom() error {
	switch {
	case strings.TrimSpace(f.Name) == "":
		return &admin.Error{Err: admin.ErrInput, Field: "name", Text: "is empty: give the key a name to know it by"}
	case f.Role == "":
		return &admin.Error{Err: admin.ErrInput, Field: "role", Text: "is not chosen: choose a role, or none for a key that may do nothing"}
	}
	return nil
}

// Filled reports whether any field is filled in.
func (f keyForm) Filled() bool { return f != keyForm{} }

// A formPart is what the templates of a single field need.
type formPart struct {
	Form   keyForm
	Alert  *alert
	Custom bool // of a custom key, which needs a name
}

// A keyPage is the page of one key, or of one that is about to be made.
type keyPage struct {
	Key   *keyRow // nil: not made yet
	User  bool    // it is a user's key
	Match admin.Tag
	Seen  string // the digest of the stored settings
	Form  keyForm
	Roles []roleOption
	// Opened is the time at which the form of a new key was shown, see madeSince.
	Opened string
	// Meanwhile lists what another user has saved since the form was opened.
	Meanwhile []difference
	Conflict  bool
}

type roleOption struct {
	AppID, Name string
	Chosen      bool
}

// sentKey returns the form that was sent.
func (v *visit) sentKey() keyForm {
	return keyForm{v.field("name"), v.field("role"), v.field("scopes"), v.field("allowed_ips"), v.field("expires_at")}
}

func formOf(rec *keys.Record) keyForm {
	form := keyForm{Name: rec.Name, Role: rec.Role, Expires: formTime(rec.ExpiresAt)}
	if rec.Kind == keys.KindCustom {
		form.Role = cmp.Or(rec.Role, noRole)
	}
	for _, scope := range rec.Scopes {
		form.Scopes += scope + "\n"
	}
	for _, network := range rec.AllowedIPs {
		form.Networks += network.String() + "\n"
	}
	return form
}

// digest returns a digest of the form.
func (f keyForm) digest() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", f))
	return hex.EncodeToString(sum[:16])
}

// settings changes the settings of a key to those of the form.
func (f keyForm) settings(set *keys.Settings) error {
	networks, err := parseNetworks(f.Networks)
	if err != nil {
		return err
	}
	if f.Expires != formTime(set.ExpiresAt) { // the form shows minutes: an unchanged time keeps its seconds
		if set.ExpiresAt, err = parseTime(f.Expires); err != nil {
			return err
		}
	}
	set.Name, set.Role, set.Scopes, set.AllowedIPs = f.Name, f.Role, fieldLines(f.Scopes), networks
	if set.Role == noRole {
		set.Role = ""
	}
	return nil
}

// roleOptions lists the roles to choose from, the built-in one included if withAdmin.
func (v *visit) roleOptions(chosen string, withAdmin bool) ([]roleOption, error) {
	all, err := v.service.Roles(v.r.Context(), v.who)
	if err != nil {
		return nil, err
	}
	var options []roleOption
	found := chosen == "" || chosen == noRole
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

// showKey shows a key, with the form in place of its settings if the user has sent one. After a conflict it shows both.
func (v *visit) showKey() error {
	rec, err := v.service.Key(v.r.Context(), v.who, v.r.PathValue("id"))
	if err != nil {
		return err
	}
	row := rowOf(rec)
	body := keyPage{Key: &row, User: rec.Kind == keys.KindUser, Match: admin.Revision(&rec), Form: formOf(&rec)}
	body.Seen = body.Form.digest()
	if v.field("do") == "save" {
		form := v.sentKey()
		if body.Conflict = v.conflict(); body.Conflict {
			body.Meanwhile = keyDifferences(body.Form, form, body.User)
		}
		body.Form = form
	}
	if rec.Kind == keys.KindCustom {
		if body.Roles, err = v.roleOptions(body.Form.Role, true); err != nil {
			return err
		}
	}
	return v.show("key", cmp.Or(rec.Name, "Key "+rec.Hint), body)
}

func (v *visit) saveKey() (string, error) {
	form, id, match := v.sentKey(), v.r.PathValue("id"), v.match()
	rec, err := v.service.Key(v.r.Context(), v.who, id)
	if err != nil {
		return "", err
	}
	if rec.Kind == keys.KindCustom {
		err = form.checkCustom()
	}
	if err == nil {
		_, err = v.service.UpdateKey(v.r.Context(), v.who, id, match, form.settings)
	}
	if errors.Is(err, admin.ErrChanged) {
		// The first use of a new value, say, changes a key too, and nothing that the form is about.
		if rec, missing := v.service.Key(v.r.Context(), v.who, id); missing == nil && formOf(&rec).digest() == v.field("seen") {
			_, err = v.service.UpdateKey(v.r.Context(), v.who, id, admin.Revision(&rec), form.settings)
		}
	}
	return keyAddress(id) + "?done=saved", err
}

func keyAddress(id string) string { return "api/key/" + id }

// overlaps are the choices of how long an old value stays valid after the first use of the new one.
var overlaps = map[string]keys.Renewal{
	"": {}, "leaked": {Leaked: true}, "1h": {Overlap: time.Hour}, "24h": {Overlap: 24 * time.Hour}, "168h": {Overlap: 7 * 24 * time.Hour},
}

func (v *visit) refreshKey() (string, error) {
	renewal, ok := overlaps[v.field("overlap")]
	if !ok {
		return "", errForm
	}
	id := v.r.PathValue("id")
	issued, err := v.service.RefreshKey(v.r.Context(), v.who, id, v.mustMatch(), renewal)
	return v.showNewKey(newKey{Page: keyAddress(id), Refreshed: true}, issued, err)
}

// setKey returns the button that puts a key into a state.
func setKey(to keys.State, done string) button {
	return func(v *visit) (string, error) {
		id := v.r.PathValue("id")
		_, err := v.service.SetKeyState(v.r.Context(), v.who, id, v.match(), to)
		return keyAddress(id) + "?done=" + done, err
	}
}

func (v *visit) removeKey() (string, error) {
	return "api?done=removed", v.service.RemoveKey(v.r.Context(), v.who, v.r.PathValue("id"), v.match())
}
