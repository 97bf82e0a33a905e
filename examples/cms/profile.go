package main

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin/console"
	"github.com/latchkey-go/latchkey/auth/cockpit"
	"github.com/latchkey-go/latchkey/examples/cms/api"
)

// A profile is the look of the addresses under /api/. It does not change which callers are let in.
type profile struct {
	dialect   api.Dialect
	configure func(auth.Config) auth.Config
	outside   func(http.Handler) http.Handler // wraps the guard, under /api/; nil wraps nothing
}

// profileNamed returns the profile that the flag -profile names; "" is the library's own.
func profileNamed(name string) (profile, error) {
	switch name {
	case "":
		return profile{configure: func(c auth.Config) auth.Config {
			c.Profile = looks(auth.Problem)
			return c
		}}, nil
	case "cockpit":
		return profile{dialect: api.Cockpit, configure: likeCockpit, outside: cockpit.CORS}, nil
	}
	return profile{}, fmt.Errorf("unknown profile %q: besides the library's own there is only \"cockpit\"", name)
}

// likeCockpit gives refusals under /api/ Cockpit's look. It does not change those of the console and of /admin, which
// Cockpit does not have.
func likeCockpit(c auth.Config) auth.Config {
	c = cockpit.Configure(c)
	c.Profile = looks(c.Profile)
	return c
}

// looks returns a profile that is api under /api/. Elsewhere people get pages and programs problem documents.
func looks(api func(http.ResponseWriter, *http.Request, *auth.Refusal)) func(http.ResponseWriter, *http.Request, *auth.Refusal) {
	pages := console.Profile(auth.Problem)
	return func(w http.ResponseWriter, r *http.Request, refusal *auth.Refusal) {
		if inAPI(r.URL.Path) {
			api(w, r, refusal)
		} else {
			pages(w, r, refusal)
		}
	}
}

const apiPrefix = "/api/"

func inAPI(address string) bool {
	return address+"/" == apiPrefix || strings.HasPrefix(address, apiPrefix)
}

// around wraps all addresses in the profile.
func (p profile) around(site http.Handler) http.Handler {
	if p.outside == nil {
		return site
	}
	outside := p.outside(site)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // not a mux: a mux would redirect before the guard decides
		if inAPI(r.URL.Path) {
			if strings.Contains(r.URL.Path, "//") || strings.Contains(r.URL.Path, "/.") { // the site's mux would redirect
				r = r.Clone(r.Context())
				r.URL.Path, r.URL.RawPath = apiPrefix, ""
			}
			outside.ServeHTTP(w, r)
		} else {
			site.ServeHTTP(w, r)
		}
	})
}
