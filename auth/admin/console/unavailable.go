package console

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/latchkey-go/latchkey/auth"
)

// Profile returns an [auth.Config.Profile] for a program with pages: its own or the console's. If the answer is 429, 500 or
// 503, a browser that opens a page or sends a form gets a page. It tries again by itself, or lets the user send again
// what they typed, but passwords. Other answers, and all to other clients, are those of other, such as [auth.Problem].
func Profile(other func(http.ResponseWriter, *http.Request, *auth.Refusal)) func(http.ResponseWriter, *http.Request, *auth.Refusal) {
	return func(w http.ResponseWriter, r *http.Request, refusal *auth.Refusal) {
		mode := r.Header.Get("Sec-Fetch-Mode")
		if refusal.Status < http.StatusTooManyRequests || !strings.Contains(r.Header.Get("Accept"), "text/html") || mode != "" && mode != "navigate" {
			other(w, r, refusal)
			return
		}
		_, a := new(visit).explain(refusal)
		a.Again = typed(w, r)
		var out bytes.Buffer
		if err := unavailable.ExecuteTemplate(&out, "unavailable", a); err != nil {
			other(w, r, refusal)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'sha256-"+styleHash+
			"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		w.WriteHeader(refusal.Status)
		_, _ = out.WriteTo(w)
	}
}

// A typedField is a field of a form that was not answered. A secret is to be typed again.
type typedField struct {
	Name, Value string
	Secret      bool
}

// typed returns the fields of the form in r: nothing of another site's, since sent again it would be one of ours. For a
// request that is not a form, the page tries again by itself.
func typed(w http.ResponseWriter, r *http.Request) (fields []typedField) {
	if r.Method == http.MethodGet {
		w.Header().Set("Refresh", "10")
		return nil
	}
	r.Body = http.MaxBytesReader(w, r.Body, mostTyped)
	if new(http.CrossOriginProtection).Check(r) != nil || r.ParseForm() != nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(r.PostForm)) {
		for _, value := range r.PostForm[name] {
			if strings.Contains(strings.ToLower(name), "password") {
				fields = append(fields, typedField{name, "", true})
			} else {
				fields = append(fields, typedField{name, value, false})
			}
		}
	}
	return fields
}

const mostTyped = 1 << 20 // bytes

const style = `body{font:1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:4rem auto;padding:0 1rem}` +
	`button,input{font:inherit;padding:.5rem 1rem;margin:.25rem 0}label{display:block}`

var styleHash = func() string {
	sum := sha256.Sum256([]byte(style))
	return base64.StdEncoding.EncodeToString(sum[:])
}()

var unavailable = template.Must(template.Must(template.New("unavailable").Funcs(pageFuncs).ParseFS(templateFiles, "templates/parts.html")).
	New("unavailable").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{.Title}}</title>
<style>` + style + `</style>
</head>
<body>
<main>
<h1>{{.Title}}</h1>
<p>{{.Text}}</p>
{{template "again" .Again}}
</main>
</body>
</html>
`))
