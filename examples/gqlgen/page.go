package main

import (
	"embed"
	"net/http"

	"github.com/latchkey-go/latchkey/auth"
)

//go:embed page
var pageFiles embed.FS

// servePage registers the page at / and the files it loads. It is open, since it holds no secrets.
func servePage(guard *auth.Guard, mux *http.ServeMux) {
	for pattern, file := range map[string]string{
		"GET /{$}":      "page/index.html",
		"GET /app.css":  "page/app.css",
		"GET /app.js":   "page/app.js",
		"GET /icon.svg": "page/icon.svg",
	} {
		guard.HandleOpen(mux, pattern, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'")
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("Referrer-Policy", "no-referrer")
			http.ServeFileFS(w, r, pageFiles, file)
		}))
	}
}
