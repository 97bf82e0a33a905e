package rolestest

import (
	"errors"
	"reflect"

	"github.com/latchkey-go/latchkey/roles"
)

// contents: what is stored comes back, and nothing else does.
var contents = []promise{
	{"a new store has no roles and no error", func(t reporter, s roles.Store) {
		rs, _, err := s.Load(t.Context())
		if err != nil || len(rs) != 0 {
			t.Errorf("Load of an empty store: %d roles, error %v; want none and nil", len(rs), err)
		}
		if _, err := s.Revision(t.Context()); err != nil {
			t.Errorf("Revision of an empty store: %v", err)
		}
	}},
	{"what was saved is loaded, every field of it", func(t reporter, s roles.Store) {
		want := full("editor")
		save(t, s, want)
		save(t, s, roles.Role{AppID: "other"})
		if got := load(t, s)["editor"]; !same(got, want) {
			t.Errorf("loaded %+v\n saved %+v", got, want)
		}
	}},
	{"texts in any script come back as they were", func(t reporter, s roles.Store) {
		want := roles.Role{AppID: "unicode", Name: "Größe 編集者 🗝 'quoted\" \\ %s", Info: "line\nline\tтаб e\u0301 \u00e9"}
		save(t, s, want)
		if got := load(t, s)["unicode"]; !same(got, want) {
			t.Errorf("loaded %q, %q\n saved %q, %q", got.Name, got.Info, want.Name, want.Info)
		}
	}},
	{"nil and empty permissions are the same", func(t reporter, s roles.Store) {
		save(t, s, roles.Role{AppID: "nil", Inherits: []string{"x"}})
		save(t, s, roles.Role{AppID: "empty", Inherits: []string{"x"}, Permissions: roles.Grants{}})
		for appid, role := range load(t, s) {
			if len(role.Permissions) != 0 {
				t.Errorf("role %s came back with permissions %v", appid, role.Permissions)
			}
		}
		if n := len(load(t, s)); n != 2 {
			t.Errorf("%d roles are there; want 2", n)
		}
	}},
	{"nil and empty inherits are the same", func(t reporter, s roles.Store) {
		save(t, s, roles.Role{AppID: "nil", Permissions: roles.Grants{"a": true}})
		save(t, s, roles.Role{AppID: "empty", Permissions: roles.Grants{"a": true}, Inherits: []string{}})
		for appid, role := range load(t, s) {
			if len(role.Inherits) != 0 {
				t.Errorf("role %s came back with inherits %q", appid, role.Inherits)
			}
		}
		if n := len(load(t, s)); n != 2 {
			t.Errorf("%d roles are there; want 2", n)
		}
	}},
	{"inherits keep their order", func(t reporter, s roles.Store) {
		want := roles.Role{AppID: "heir", Inherits: []string{"c", "a", "b"}}
		save(t, s, want)
		if got := load(t, s)["heir"].Inherits; !reflect.DeepEqual(got, want.Inherits) {
			t.Errorf("inherits came back as %q; want %q", got, want.Inherits)
		}
	}},
	{"a denied grant stays denied", func(t reporter, s roles.Store) {
		save(t, s, roles.Role{AppID: "r", Permissions: roles.Grants{"a": true, "b": false}})
		got := load(t, s)["r"].Permissions
		if denied, ok := got["b"]; !ok || denied {
			t.Errorf("permissions came back as %v; want b: false", got)
		}
	}},
	{"the store judges nothing", func(t reporter, s roles.Store) {
		want := roles.Role{AppID: "odd", Inherits: []string{"unknown", "odd"}, Permissions: roles.Grants{"not // well formed": true}}
		save(t, s, want)
		if got := load(t, s)["odd"]; !same(got, want) {
			t.Errorf("loaded %+v\n saved %+v", got, want)
		}
	}},
	{"saving an appid that is there replaces the whole role", func(t reporter, s roles.Store) {
		save(t, s, full("editor"))
		save(t, s, roles.Role{AppID: "other", Name: "Other"})
		want := roles.Role{AppID: "editor", Name: "New", Permissions: roles.Grants{"z": true}}
		save(t, s, want)
		all := load(t, s)
		if got := all["editor"]; !same(got, want) {
			t.Errorf("loaded %+v\n saved %+v", got, want)
		}
		if len(all) != 2 || all["other"].Name != "Other" {
			t.Errorf("other roles changed: %v", all)
		}
	}},
	{"deleting drops the role and no other", func(t reporter, s roles.Store) {
		save(t, s, full("editor"))
		save(t, s, full("viewer"))
		if err := s.Delete(t.Context(), "editor", revision(t, s)); err != nil {
			t.Fatalf("Delete: %v", err)
		}
		all := load(t, s)
		if _, there := all["editor"]; there || len(all) != 1 {
			t.Errorf("after deleting editor there are %v; want viewer alone", all)
		}
	}},
	{"deleting a role that is not there is ErrNotFound", func(t reporter, s roles.Store) {
		save(t, s, full("editor"))
		if err := s.Delete(t.Context(), "ghost", revision(t, s)); !errors.Is(err, roles.ErrNotFound) {
			t.Errorf("Delete: %v; want ErrNotFound", err)
		}
		if len(load(t, s)) != 1 {
			t.Errorf("the role that is there was deleted")
		}
	}},
	{"a role that was deleted can be saved again", func(t reporter, s roles.Store) {
		save(t, s, full("editor"))
		if err := s.Delete(t.Context(), "editor", revision(t, s)); err != nil {
			t.Fatalf("Delete: %v", err)
		}
		want := roles.Role{AppID: "editor", Name: "Second"}
		save(t, s, want)
		if got := load(t, s)["editor"]; !same(got, want) {
			t.Errorf("loaded %+v\n saved %+v", got, want)
		}
	}},
	{"appids that differ in case are different", func(t reporter, s roles.Store) {
		different(t, s, "editor", "Editor")
	}},
	{"appids that differ in trailing space are different", func(t reporter, s roles.Store) {
		different(t, s, "editor", "editor ")
	}},
	{"grants that differ in case or trailing space are different", func(t reporter, s roles.Store) {
		want := roles.Role{AppID: "r", Permissions: roles.Grants{"a": true, "A": true, "a ": true}}
		save(t, s, want)
		if got := load(t, s)["r"]; !same(got, want) {
			t.Errorf("permissions came back as %v; want %v", got.Permissions, want.Permissions)
		}
	}},
}
