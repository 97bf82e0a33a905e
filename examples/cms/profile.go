package main

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/cockpit"
	"github.com/latchkey-go/latchkey/examples/cms/api"
)

// A profile is what the addresses under /api/ look like to their clients. It does not change who is let in.
type profile struct {
	dialect   api.Dialect
	configure func(auth.Config) auth.Config
	outside   func(http.Handler) http.Handler // goes around the guard, under /api/; nil is nothing
}

// profileNamed returns what the flag -profile names; "" is the library's own.
func profileNamed(name string) (profile, error) {
	switch name {
	case "":
		return profile{configure: func(c auth.Config) auth.Config { return c }}, nil
	case "cockpit":
		return profile{dialect: api.Cockpit, configure: likeCockpit, outside: cockpit.CORS}, nil
	}
	return profile{}, fmt.Errorf("there is no profile %q: the one that there is besides the library's own is \"cockpit\"", name)
}

// likeCockpit gives refusals under /api/ Cockpit's look. Those of the console and of /admin, which Cockpit does not
// have, stay as they are.
func likeCockpit(c auth.Config) auth.Config {
	c = cockpit.Configure(c)
	looks := c.Profile
	c.Profile = func(w http.ResponseWriter, r *http.Request, refusal *auth.Refusal) {
		if strings.HasPrefix(r.URL.Path, apiPrefix) {
			looks(w, r, refusal)
		} else {
			auth.Problem(w, r, refusal)
		}
	}
	return c
}

const apiPrefix = "/api/"

// around puts the profile around all addresses.
func (p profile) around(site http.Handler) http.Handler {
	if p.outside == nil {
		return site
	}
	outside := p.outside(site)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // not a mux: its redirects are not the guard's
		if strings.HasPrefix(r.URL.Path, apiPrefix) {
			outside.ServeHTTP(w, r)
		} else {
			site.ServeHTTP(w, r)
		}
	})
}
