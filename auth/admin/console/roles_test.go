package console_test

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// role is a role as it is stored.
func (w *world) role(appid string) roles.Role {
	w.t.Helper()
	role, _ := w.guard.Policy().Role(appid)
	return role
}

// public is the appid of the public role now.
func (w *world) public() string {
	w.t.Helper()
	ada, err := w.guard.PrincipalForUser(w.t.Context(), "ada")
	require.NoError(w.t, err)
	setting, _, err := w.service.Public(w.t.Context(), ada)
	require.NoError(w.t, err)
	return setting.Role
}

func TestRoles(t *testing.T) {
	w := newWorld(t)
	w.expect(w.get("ada", "/users/roles"), 200, ">Editor</bdi></a>", "1 allowed, 1 denied", "Built in; cannot be changed.")
	w.expect(w.get("ada", "/users/roles/create"), 200, "Read pages", `name="p.content/posts/read"`, `name="p.plugin/*/use"`, "Use any name")
	a := w.post("ada", "/users/roles/create", "create", url.Values{
		"appid": {"author"}, "name": {"Author"}, "info": {"Writes.\r\nReads."}, "inherits": {"viewer"},
		"p.content/posts/create": {"allow"}, "p.content/pages/read": {"deny"}, "p.app/logs": {""}, "p.plugin/*/use": {"allow"},
		"allow": {"content/drafts/*\r\n"}, "deny": {"content/drafts/secret\r\n"},
	})
	page := "/users/roles/role/author"
	shown := w.expect(w.follow("ada", "/users/roles/create", a), 200, "The role was created.", "allowed by content/posts/read of viewer",
		"content/drafts/*\n</textarea>", "content/drafts/secret\n</textarea>", "match nothing that the application knows")
	require.Equal(t, roles.Role{AppID: "author", Name: "Author", Info: "Writes.\nReads.", Inherits: []string{"viewer"}, Permissions: roles.Grants{
		"content/posts/create": true, "content/pages/read": false, "plugin/*/use": true, "content/drafts/*": true, "content/drafts/secret": false}}, w.role("author"))

	stale := hidden(shown.body, "match")
	w.expect(w.follow("ada", page, w.post("ada", page, "save", url.Values{"name": {"Writer"}, "p.content/posts/create": {"allow"}})), 200, "Saved.")
	require.Equal(t, roles.Role{AppID: "author", Name: "Writer", Permissions: roles.Grants{"content/posts/create": true}}, w.role("author"))
	w.expect(w.post("ada", page, "save", url.Values{"match": {stale}, "name": {"Mine"}}), 409, "What you typed is still in the form", `value="Mine"`)
	require.Equal(t, "Writer", w.role("author").Name)

	for text, form := range map[string]url.Values{
		"This appid is taken":                 {"appid": {"editor"}},
		"The field Appid is reserved":         {"appid": {"Admin"}},
		"The field Appid is not 1 to 64":      {"appid": {"a b"}},
		"both allowed and denied":             {"appid": {"new"}, "allow": {"a/b"}, "deny": {"a/b"}},
		"The field Permissions has the grant": {"appid": {"new"}, "allow": {"a//b"}},
		"The form did not arrive as it":       {"appid": {"new"}, "p.a/b": {"perhaps"}},
	} {
		bad := w.post("ada", "/users/roles/create", "create", form)
		require.Contains(t, bad.body, text)
		require.Contains(t, []int{400, 409}, bad.status)
	}
	require.False(t, w.guard.Policy().Has("new"))
	both := w.post("ada", "/users/roles/create", "create", url.Values{"appid": {"new"}, "allow": {"a/b\r\nc/d"}, "deny": {"a/b"}})
	w.expect(both, 400, "a/b\r\nc/d</textarea>", "\na/b</textarea>") // nothing that was typed is lost
	// Rolf manages roles and may do nothing else, so he gives nothing else away.
	w.expect(w.post("rolf", "/users/roles/create", "create", url.Values{"appid": {"mine"}, "allow": {"content/**"}}), 403, "You can&#39;t grant more access than you have", "content/**")
	w.expect(w.post("rolf", page, "save", url.Values{"name": {"Less"}}), 403, "content/posts/create") // nor does he empty what he does not hold
}

func TestDeletingARole(t *testing.T) {
	w := newWorld(t)
	const page = "/users/roles/role/viewer"
	w.expect(w.get("ada", page), 200, "Other roles inherit from this one.", ">Bob</bdi></a>")
	w.expect(w.post("ada", page, "delete", nil), 409)
	w.expect(w.post("ada", "/users/roles/role/editor", "save", url.Values{}), 303) // inherits no more
	w.expect(w.open("ada", "viewer"), 303)
	seen := w.get("ada", page)
	w.expect(seen, 200, "2 users lose their role", "The public API is closed.")
	key := w.custom(keys.Custom{Name: "Build", Role: "viewer"})
	form := url.Values{"match": {hidden(seen.body, "match")}, "confirm": {hidden(seen.body, "confirm")}}
	again := w.expect(w.post("ada", page, "delete", form), 409, "Not deleted yet", "1 API key loses")
	form.Set("confirm", hidden(again.body, "confirm"))
	w.expect(w.follow("ada", page, w.post("ada", page, "delete", form)), 200, "The role was deleted.")
	require.False(t, w.guard.Policy().Has("viewer"))
	require.Empty(t, w.public())
	rec, err := w.ring.Get(t.Context(), key.ID)
	require.NoError(t, err)
	require.Empty(t, rec.Role)
	w.expect(w.get("ada", "/api/key/"+key.ID), 200, "no role")
}

func TestPublicAPI(t *testing.T) {
	w := newWorld(t)
	const page = "/api/public"
	first := w.expect(w.get("kay", page), 200, "Public API is closed", "Show what it opens")
	require.NotContains(t, first.body, `value="open"`)
	w.expect(w.get("kay", page+"?role=viewer"), 200, "Read posts", "/api/posts", "Open the public API")
	w.expect(w.get("kay", page+"?role=no-one"), 400, "The field Role is not the appid of a role")
	w.expect(w.get("kay", page+"?role=admin"), 400, "it is the super role")
	w.expect(w.follow("kay", page, w.open("kay", "viewer")), 200, "The public API is open.", "Public API is open", "Read posts")
	require.Equal(t, "viewer", w.public())

	preview := w.expect(w.get("kay", page+"?role=editor"), 200, "1 permission may change data", "<b>Create any model</b> <code>content/*/create</code>",
		"Now: <bdi>Create posts</bdi>", "changes data", "Change to editor")
	require.NotContains(t, preview.body, "Create pages", "it is denied")
	w.expect(w.post("ada", "/users/roles/create", "create", url.Values{"appid": {"odd"}, "name": {"Odd"}, "allow": {"a/b\nc/*"}}), 303)
	w.expect(w.get("kay", page+"?role=odd"), 200, "<b>Not listed by the application</b> <code>a/b</code>", "<b>Anything that matches, listed or not</b> <code>c/*</code>")
	w.expect(w.open("kay", "editor"), 409, "Not opened yet", "Tick each permission in red")
	require.Equal(t, "viewer", w.public())
	w.expect(w.post("kay", page, "open", url.Values{"role": {"editor"}, "acknowledge": {"content/*/create"}}), 409, "Not opened yet")
	require.Equal(t, "viewer", w.public())
	w.expect(w.open("kay", "editor", "content/*/create"), 303)
	require.Equal(t, "editor", w.public())
	w.expect(w.post("kay", page, "close", url.Values{"match": {"1"}}), 409, "Another change came first")
	require.Equal(t, "editor", w.public())
	w.expect(w.follow("kay", page, w.post("kay", page, "close", nil)), 200, "The public API is closed.", "Public API is closed")
	require.Empty(t, w.public())

	// An edit of the public role is confirmed as well, on the role's page.
	w.expect(w.open("kay", "viewer"), 303)
	const role = "/users/roles/role/viewer"
	form := url.Values{"name": {"V"}, "p.content/posts/read": {"allow"}, "p.content/posts/create": {"allow"}, "p.content/pages/read": {"allow"}}
	gains := w.expect(w.post("ada", role, "save", form), 409, "Not saved yet", "<b>Create posts</b> <code>content/posts/create</code>",
		"could also read this", "<li><span><bdi>Read pages</bdi></span> <code>content/pages/read</code></li>", `value="V"`)
	require.NotContains(t, gains.body, "Create pages</b>", "that was not added")
	require.Len(t, ackIn.FindAllString(gains.body, -1), 1)
	form.Set("acknowledge", "content/posts/create")
	w.expect(w.post("ada", role, "save", form), 409, "Not saved yet")
	form.Set("token", hidden(gains.body, "token"))
	w.expect(w.post("ada", role, "save", form), 303)
	require.True(t, w.guard.Policy().Allows("viewer", "content/posts/create"))

	w.expect(w.post("ada", role, "save", url.Values{"p.content/posts/read": {"allow"}}), 303) // less needs no confirmation
	form = url.Values{"p.content/posts/read": {"allow"}, "allow": {"content/*/read"}}
	reads := w.expect(w.post("ada", role, "save", form), 409, "Callers without a key could read more.", "Read any model", "Now: <bdi>Read pages</bdi>")
	require.Empty(t, ackIn.FindAllString(reads.body, -1))
	form.Set("token", hidden(reads.body, "token"))
	w.expect(w.post("ada", role, "save", form), 303)
}

// TestAStalePreviewOfThePublicAPI changes the role while another user looks at the preview.
func TestAStalePreviewOfThePublicAPI(t *testing.T) {
	w := newWorld(t)
	const page = "/api/public"
	shown := w.expect(w.get("kay", page+"?role=editor"), 200, `name="acknowledge" value="content/*/create"`)
	require.NotContains(t, shown.body, "Create secret")
	save := func(form url.Values) {
		w.expect(w.post("ada", "/users/roles/role/editor", "save", form), 303)
	}
	save(url.Values{"inherits": {"viewer"}, "p.content/posts/create": {"allow"}, "allow": {"content/*/create\ncontent/secret/create"}})
	sent := url.Values{"role": {"editor"}, "token": {hidden(shown.body, "token")}, "acknowledge": {"content/*/create", "content/posts/create"}}
	again := w.expect(w.post("kay", page, "open", sent), 409, "Not opened yet", "has changed since you looked",
		`value="content/posts/create" checked>`, `value="content/secret/create"><span><b>Create secret</b>`, `value="content/*/create"><span>`)
	require.Empty(t, w.public())
	sent.Set("token", hidden(again.body, "token"))
	sent["acknowledge"] = []string{"content/*/create", "content/posts/create", "content/secret/create"}
	w.expect(w.post("kay", page, "open", sent), 303)
	require.Equal(t, "editor", w.public())

	// A read alone makes another preview as well.
	w.expect(w.post("kay", page, "close", nil), 303)
	shown = w.get("kay", page+"?role=viewer")
	w.expect(w.post("ada", "/users/roles/role/viewer", "save", url.Values{"p.content/posts/read": {"allow"}, "p.content/pages/read": {"allow"}}), 303)
	w.expect(w.post("kay", page, "open", url.Values{"role": {"viewer"}, "token": {hidden(shown.body, "token")}}), 409, "has changed since you looked")
	require.Empty(t, w.public())
}

func TestMatrix(t *testing.T) {
	w := newWorld(t)
	const page = "/users/roles/matrix"
	all := w.expect(w.get("ada", page), 200, "Read posts", "POST /api/{model}", `aria-label="editor: for some. Why?"`)
	require.Contains(t, all.body, "?permission=content%2Fposts%2Fread&amp;role=viewer#why")
	for query, text := range map[string]string{
		"role=editor&permission=content/posts/read":    "Yes: <code>editor</code> may <code>content/posts/read</code>",
		"role=editor&permission=content/pages/create":  "A grant denies it, whatever else allows it.",
		"role=viewer&permission=content/pages/read":    "No grant is about it",
		"role=admin&permission=anything":               "The built-in role may do everything.",
		"role=no-one&permission=anything":              "There is no such role",
		"role=viewer&permission=a//b":                  "This is neither a permission nor a pattern",
		"role=keeper&permission=content/**":            "Yes: <code>keeper</code> may <code>content/**</code>",
		"role=keeper&permission=content/*/read":        "Allowed by <code>content/**</code> in the role",
		"role=editor&permission=content/*/create":      "In part: <code>editor</code> may some of <code>content/*/create</code>",
		"role=editor&permission=content/*/*":           `– <span class="sr">no: </span>content/pages/create</a>`,
		"role=editor&permission=*/pages/create":        "Denied by <code>content/pages/create</code> in the role",
		"role=viewer&permission=app/**":                "No: <code>viewer</code> may not <code>app/**</code>",
		"role=admin&permission=**":                     "Yes: <code>admin</code> may <code>**</code>",
		"role=viewer&permission=content/{model}/read":  `href="?permission=content%2Fposts%2Fread&amp;role=viewer#why">✓ <span class="sr">yes: </span>content/posts/read</a>`,
		"role=viewer&permission=host/{name}/read":      "with a value in place of the braces",
		"role=editor&permission=content/posts/read&x=": `href="../../users/roles/role/viewer">viewer</a>`,
	} {
		w.expect(w.get("ada", page+"?"+query), 200, text)
	}
}

func TestAudit(t *testing.T) {
	w := newWorld(t)
	w.expect(w.get("lou", "/audit"), 200, "Nothing has happened yet")
	w.expect(w.post("ada", "/api/create", "create", url.Values{"name": {"Build"}, "role": {"viewer"}}), 200)
	w.expect(w.post("bob", "/users/user", "create", nil), 200)
	w.expect(w.post("ada", "/users/roles/role/editor", "save", url.Values{"name": {"E"}, "allow": {"a/b"}}), 303)
	shown := w.expect(w.get("lou", "/audit"), 200, "made an API key", "made a user key", "changed a role", "<ins><bdi>a/b: allow</bdi></ins>", "192.0.2.1", "<bdi>Build</bdi>")
	require.Empty(t, keyIn.FindString(shown.body))
	bobs := w.expect(w.get("lou", "/audit?actor=user:bob"), 200, "made a user key")
	require.NotContains(t, bobs.body, "<bdi>Build</bdi>")
	w.expect(w.get("lou", "/audit?action=key.remove"), 200, "Nothing found", `value="key.remove" selected`)
	w.expect(w.get("lou", "/audit?until=2001-01-01"), 200, "Nothing found")
	w.expect(w.get("lou", "/audit?since=2001-01-01&until=2099-01-01"), 200, "<bdi>Build</bdi>")
	w.expect(w.get("lou", "/audit?since=soon"), 200, "A date is written as")

	for action, text := range map[string]string{"role.import": "imported a role", "user.import": "imported a user", "key.import": "imported an API key"} {
		r, err := audit.Stamp(audit.Record{Actor: "import", Action: action, Object: "thing"})
		require.NoError(t, err)
		require.NoError(t, w.log.Append(t.Context(), r))
		w.expect(w.get("lou", "/audit?action="+action), 200, text)
	}
	for range 60 {
		r, err := audit.Stamp(audit.Record{Actor: "key:1", Action: "host.own", Object: "thing"})
		require.NoError(t, err)
		require.NoError(t, w.log.Append(t.Context(), r))
	}
	first := w.expect(w.get("lou", "/audit?actor=key:1"), 200, "host.own", "Older changes")
	older := w.expect(w.get("lou", "/audit"+hrefOf(first.body, "Older changes")), 200, "host.own")
	require.NotContains(t, older.body, "Older changes")
}
