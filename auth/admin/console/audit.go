package console

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/latchkey-go/latchkey/auth/admin"
	"github.com/latchkey-go/latchkey/auth/audit"
)

// An auditPage is a page of the audit log.
type auditPage struct {
	Records                             []auditRow
	Actor, Action, Object, Since, Until string
	Actions                             []auditAction
	Filtered                            bool
	Older                               string // the query of the next page
}

type auditAction struct {
	Name, Text string
	Chosen     bool
}

// An auditRow is one change in words.
type auditRow struct {
	audit.Record
	Text    string // the action in words
	Name    string // of the object
	Page    string // of the object; "" if it has none
	Changes []auditChange
}

// An auditChange is one field that was changed, as text.
type auditChange struct{ Field, Before, After string }

// actions are the actions that packages admin and cockpit record, in words.
var actions = []auditAction{
	{Name: "key.create", Text: "made an API key"}, {Name: "key.update", Text: "changed an API key"},
	{Name: "key.refresh", Text: "refreshed an API key"}, {Name: "key.disable", Text: "disabled an API key"},
	{Name: "key.enable", Text: "enabled an API key"}, {Name: "key.invalidate", Text: "invalidated an API key"},
	{Name: "key.remove", Text: "removed the record of an API key"},
	{Name: "userkey.create", Text: "made a user key"}, {Name: "userkey.update", Text: "changed a user key"},
	{Name: "userkey.refresh", Text: "refreshed a user key"}, {Name: "userkey.disable", Text: "disabled a user key"},
	{Name: "userkey.enable", Text: "enabled a user key"}, {Name: "userkey.invalidate", Text: "invalidated a user key"},
	{Name: "userkey.invalidate_all", Text: "invalidated a user's keys"}, {Name: "userkey.remove", Text: "removed the record of a user key"},
	{Name: "role.create", Text: "made a role"}, {Name: "role.update", Text: "changed a role"}, {Name: "role.delete", Text: "deleted a role"},
	{Name: "public.set", Text: "opened the public API"}, {Name: "public.close", Text: "closed the public API"},
	{Name: "key.import", Text: "imported an API key"}, {Name: "user.import", Text: "imported a user"}, {Name: "user.update", Text: "changed a user"}, {Name: "role.import", Text: "imported a role"},
}

func (v *visit) showAudit() error {
	q := v.r.URL.Query()
	body := auditPage{Actor: q.Get("actor"), Action: q.Get("action"), Object: q.Get("object"), Since: q.Get("since"), Until: q.Get("until")}
	f := audit.Filter{Actor: body.Actor, Action: body.Action, Object: body.Object, Before: q.Get("before"), Limit: 50}
	day := func(text string, days int) time.Time {
		if text == "" {
			return time.Time{}
		}
		t, err := time.Parse(time.DateOnly, text)
		if err != nil {
			v.alert = &alert{Title: "The whole log is shown", Text: "A date is written as 2030-01-31."}
			return time.Time{}
		}
		return t.AddDate(0, 0, days)
	}
	f.Since, f.Until = day(body.Since, 0), day(body.Until, 1) // until the end of that day
	body.Filtered = f != audit.Filter{Limit: f.Limit}
	known := false
	for _, a := range actions {
		a.Chosen = a.Name == body.Action
		known = known || a.Chosen
		body.Actions = append(body.Actions, a)
	}
	if !known && body.Action != "" {
		body.Actions = append(body.Actions, auditAction{body.Action, body.Action, true})
	}
	records, err := v.service.Audit(v.r.Context(), v.who, f)
	if err != nil {
		return err
	}
	for _, r := range records {
		body.Records = append(body.Records, v.auditRow(r))
	}
	if len(records) == f.Size() {
		q.Set("before", records[len(records)-1].ID)
		q.Del("done")
		body.Older = "?" + url.Values(q).Encode()
	}
	return v.show("audit", "Audit log", body)
}

// auditRow puts a record in words. It links to the object's page if this user may see it.
func (v *visit) auditRow(r audit.Record) auditRow {
	row := auditRow{Record: r, Text: r.Action}
	row.ActorName = cmp.Or(r.ActorName, r.Actor)
	if i := slices.IndexFunc(actions, func(a auditAction) bool { return a.Name == r.Action }); i >= 0 {
		row.Text = actions[i].Text
	}
	text := func(field string) string {
		before, _ := r.Before[field].(string)
		after, _ := r.After[field].(string)
		return cmp.Or(after, before)
	}
	row.Name = cmp.Or(text("name"), text("hint"), r.Object)
	switch kind, what, _ := strings.Cut(r.Action, "."); {
	case what == "remove" || what == "delete":
	case kind == "key" && v.may(admin.ManageAPI), kind == "userkey" && what != "invalidate_all" && v.may(admin.ManageUsers):
		row.Page = "api/key/" + url.PathEscape(r.Object)
	case kind == "role" && v.may(admin.ManageRoles, admin.ManageAPI, admin.ManageUsers):
		row.Page = "users/roles/role/" + url.PathEscape(r.Object)
	case kind == "public" && v.may(admin.ManageAPI):
		row.Page = "api/public"
	}
	fields := map[string]any{}
	maps.Copy(fields, r.Before)
	maps.Copy(fields, r.After)
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		change := auditChange{strings.ReplaceAll(field, "_", " "), inWords(r.Before[field]), inWords(r.After[field])}
		if change.Before != change.After {
			row.Changes = append(row.Changes, change)
		}
	}
	return row
}

// inWords returns a value of the log as text.
func inWords(value any) string {
	switch x := value.(type) {
	case nil:
		return ""
	case string:
		if at, err := time.Parse(time.RFC3339Nano, x); err == nil {
			return formatTime(at) + " UTC"
		}
		return x
	case []any:
		var words []string
		for _, one := range x {
			words = append(words, inWords(one))
		}
		return strings.Join(words, ", ")
	case map[string]any: // grants
		var words []string
		for _, name := range slices.Sorted(maps.Keys(x)) {
			words = append(words, name+": "+map[any]string{true: "allow", false: "deny"}[x[name]])
		}
		return strings.Join(words, ", ")
	}
	return fmt.Sprint(value)
}
