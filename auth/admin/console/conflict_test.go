package console_test

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// TestConflictOfKeys opens a form twice, and saves both.
func TestConflictOfKeys(t *testing.T) {
	w := newWorld(t)
	page := "/api/key/" + w.custom(keys.Custom{Name: "Build", Role: "viewer"}).ID
	mine := url.Values{"match": {hidden(w.get("kay", page).body, "match")}, "name": {"Mine"}, "role": {"viewer"}, "scopes": {"content/**"}}
	w.expect(w.post("kay", page, "save", url.Values{"name": {"Theirs"}, "role": {"viewer"}, "scopes": {"content/posts/read"}, "allowed_ips": {"10.0.0.0/8"}}), 303)
	shown := w.expect(w.post("kay", page, "save", mine), 409, "What is saved now, and what you typed",
		"Theirs", `value="Mine"`, "content/posts/read", "content/**", "10.0.0.0/8")
	for _, row := range []string{"Name", "Scopes", "Addresses"} {
		require.Contains(t, shown.main(), `role="rowheader">`+row+"</th>")
	}
	require.NotContains(t, shown.main(), `role="rowheader">Role</th>`, "it is the same")
	mine.Set("match", hidden(shown.body, "match"))
	w.expect(w.post("kay", page, "save", mine), 303)
	w.expect(w.get("kay", page), 200, `value="Mine"`)

	// What both have typed is no conflict that needs to be compared.
	mine.Set("match", hidden(shown.body, "match"))
	w.expect(w.post("kay", page, "save", mine), 409, "What you see here is what is saved now")

	// Refreshed or disabled meanwhile: nothing that the form is about is different.
	old := w.get("kay", page).body
	w.expect(w.post("kay", page, "refresh", nil), 200)
	w.expect(w.post("kay", page, "disable", nil), 303)
	mine.Set("match", hidden(old, "match"))
	mine.Set("seen", hidden(old, "seen"))
	mine.Set("name", "Later")
	w.expect(w.post("kay", page, "save", mine), 303)
	w.expect(w.get("kay", page), 200, `value="Later"`, "This key is disabled")
}

func TestConflictOfRoles(t *testing.T) {
	w := newWorld(t)
	const page = "/users/roles/role/editor"
	mine := url.Values{"match": {hidden(w.get("ada", page).body, "match")}, "name": {"Mine"}, "inherits": {"viewer"}, "p.content/posts/create": {"allow"}}
	w.expect(w.post("ada", page, "save", url.Values{"name": {"Theirs"}, "p.content/posts/create": {"deny"}, "p.app/logs": {"allow"}}), 303)
	shown := w.expect(w.post("ada", page, "save", mine), 409, "What is saved now, and what you typed", "Theirs", `value="Mine"`,
		`role="rowheader">content/posts/create</th>`, `role="rowheader">app/logs</th>`, `role="rowheader">Inherits from</th>`)
	require.NotContains(t, shown.main(), `role="rowheader">Info</th>`)
	require.Equal(t, roles.Grants{"content/posts/create": false, "app/logs": true}, w.role("editor").Permissions)
	mine.Set("match", hidden(shown.body, "match"))
	w.expect(w.post("ada", page, "save", mine), 303)
	require.Equal(t, roles.Grants{"content/posts/create": true}, w.role("editor").Permissions)
}
