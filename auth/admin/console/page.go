package console

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin"
)

// A page is the data of the layout; Body is that of the page.
type page struct {
	Heading string
	Notice  string // the change that was made
	Alert   *alert // why a change was not made
	Body    any

	Root, Version string
	Host          Config
	User          string
	Nav           []navGroup
}

// A navGroup is a part of the navigation.
type navGroup struct {
	Name  string
	Pages []navPage
}

type navPage struct {
	Text, Href string
	Current    bool
}

//go:embed templates
var templateFiles embed.FS

// pageFuncs are the functions that the templates use.
var pageFuncs = template.FuncMap{
	"at": formatTime, "day": func(t time.Time) string { return t.UTC().Format("2 Jan 2006") }, "iso": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"path": url.PathEscape, "count": count, "short": short, "describe": describe, "problem": problem, "cells": cells,
	"form": func(f keyForm, a *alert, custom bool) formPart { return formPart{f, a, custom} },
}

// templates are the pages, each within the layout.
var templates = func() map[string]*template.Template {
	layout := template.Must(template.New("layout.html").Funcs(pageFuncs).ParseFS(templateFiles, "templates/layout.html", "templates/parts.html"))
	all := map[string]*template.Template{}
	for _, name := range []string{"refused", "userkey", "newkey", "keys", "key", "users", "public", "roles", "role", "matrix", "audit"} {
		all[name] = template.Must(template.Must(layout.Clone()).ParseFS(templateFiles, "templates/"+name+".html"))
	}
	return all
}()

// describe returns the attributes of an input: the IDs of what describes it, and whether the alert is about it.
func describe(a *alert, field string, ids ...string) template.HTMLAttr {
	text := ""
	if problem(a, field) != nil {
		ids = append(ids, field+"-error")
		text = ` aria-invalid="true"`
	}
	if len(ids) > 0 {
		text += ` aria-describedby="` + strings.Join(ids, " ") + `"`
	}
	return template.HTMLAttr(text) // of constants in the templates alone
}

// problem returns the alert if it is about this field.
func problem(a *alert, field string) *alert {
	if a == nil || a.Field != field {
		return nil
	}
	return a
}

// short cuts a very long name.
func short(text string) string {
	const most = 120
	n := 0
	for i := range text {
		if n++; n > most {
			return text[:i] + "…"
		}
	}
	return text
}

// formatTime returns a time for people, in UTC, as the pages say.
func formatTime(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04") }

// count returns a number with its noun: "1 key", "2 keys".
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// show answers with a page.
func (v *visit) show(name, heading string, body any) error {
	p := page{Heading: heading, Alert: v.alert, Body: body, Root: root(v.r), Version: version, Host: v.Config,
		User: cmp.Or(v.who.Name(), v.who.UserID()), Nav: v.nav()}
	if site := v.r.Header.Get("Sec-Fetch-Site"); site == "" || site == "same-origin" { // a link from another site must not claim a change
		p.Notice = notices[v.r.URL.Query().Get("done")]
	}
	var out bytes.Buffer // a page is sent whole or not at all
	if err := templates[name].Execute(&out, p); err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.Header().Set("Content-Length", strconv.Itoa(out.Len()))
	v.w.WriteHeader(v.status)
	_, _ = out.WriteTo(v.w) // the browser may be gone, and gets no error then
	return nil
}

// nav lists the pages that the host has and this user may see.
func (v *visit) nav() []navGroup {
	if v.who.Kind() == auth.KindNone {
		return nil
	}
	current := strings.TrimPrefix(v.r.URL.Path, "/")
	var groups []navGroup
	add := func(group, text, page string, needs ...string) {
		if len(needs) > 0 && !v.may(needs...) {
			return
		}
		if n := len(groups); n == 0 || groups[n-1].Name != group {
			groups = append(groups, navGroup{Name: group})
		}
		g := &groups[len(groups)-1]
		g.Pages = append(g.Pages, navPage{text, page, section(current) == page})
	}
	add("You", "My key", "users/user")
	add("API", "Keys", "api", admin.ManageAPI)
	manages := v.service.Config()
	if manages.Public != nil {
		add("API", "Public API", "api/public", admin.ManageAPI)
	}
	if manages.Users != nil {
		add("People", "Users", "users", admin.ManageUsers)
	}
	add("People", "Roles", "users/roles", admin.ManageRoles, admin.ManageAPI, admin.ManageUsers)
	add("People", "Access matrix", "users/roles/matrix", admin.ManageRoles, admin.ManageAPI, admin.ManageUsers)
	add("History", "Audit log", "audit", admin.ReadLogs)
	return groups
}

// may reports whether the user holds one of the permissions.
func (v *visit) may(permissions ...string) bool {
	return slices.ContainsFunc(permissions, func(p string) bool {
		_, _, err := v.guard.Explain(v.who, p)
		return err == nil
	})
}

// section is the page of the navigation that an address belongs to.
func section(address string) string {
	if strings.HasPrefix(address, "users/user/") {
		return "users"
	}
	for _, page := range []string{"users/roles/matrix", "users/roles", "api/public", "api"} {
		if strings.HasPrefix(address, page) {
			return page
		}
	}
	return address
}

// notices are the texts after a change. The address carries only the code.
var notices = map[string]string{
	"saved":       "Saved. It counts from now on.",
	"created":     "The role was created.",
	"deleted":     "The role was deleted.",
	"invalidated": "The key is invalid for good. Requests with it are refused from now on.",
	"disabled":    "The key is disabled. Requests with it are refused until it is enabled again.",
	"enabled":     "The key works again.",
	"removed":     "The record of the key was removed.",
	"opened":      "The public API is open.",
	"closed":      "The public API is closed. Requests without a key are refused from now on.",
}

//go:embed static
var staticFiles embed.FS

// version names the content of the static files, so that browsers may cache them without end.
var version = func() string {
	sum := sha256.New()
	for _, name := range []string{"console.css", "console.js", "icon.svg"} {
		text, err := staticFiles.ReadFile("static/" + name)
		if err != nil {
			panic(err) // the file is embedded
		}
		sum.Write(text)
	}
	return hex.EncodeToString(sum.Sum(nil)[:6])
}()

// serveStatic answers with style, script or icon. They hold no data, so they need no sign-in.
func serveStatic(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	text, err := staticFiles.ReadFile("static/" + name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	kind := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
	w.Header().Set("Content-Type", kind[path.Ext(name)])
	w.Header().Set("Cache-Control", "no-cache")
	if r.URL.Query().Get("v") == version {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	_, _ = w.Write(text)
}
