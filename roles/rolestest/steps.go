package rolestest

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/latchkey-go/latchkey/internal/suite"
	"github.com/latchkey-go/latchkey/roles"
)

const (
	rounds = 20 // of each race
	racers = 8
)

// full is a role with something in every field.
func full(appid string) roles.Role {
	return roles.Role{AppID: appid, Name: "Name of " + appid, Info: "Info of " + appid,
		Permissions: roles.Grants{"content/*/read": true, "content/posts/**": true}, Inherits: []string{"a", "b"}}
}

// same compares roles as the contract does: nil is empty.
func same(a, b roles.Role) bool {
	return a.AppID == b.AppID && a.Name == b.Name && a.Info == b.Info &&
		maps.Equal(a.Permissions, b.Permissions) && slices.Equal(a.Inherits, b.Inherits)
}

func save(t reporter, s roles.Store, all ...roles.Role) {
	t.Helper()
	for _, role := range all {
		if err := s.Save(background, role, revision(t, s)); err != nil {
			t.Fatalf("Save of %q: %v", role.AppID, err)
		}
	}
}

// remove deletes a role that is stored.
func remove(t reporter, s roles.Store, appid string) {
	t.Helper()
	if err := s.Delete(background, appid, revision(t, s)); err != nil {
		t.Fatalf("Delete of %q: %v", appid, err)
	}
}

// stored reports an error unless the store has these roles and no others.
func stored(t reporter, s roles.Store, want ...roles.Role) {
	t.Helper()
	all := load(t, s)
	if len(all) != len(want) {
		t.Errorf("%d roles are stored, want %d: %v", len(all), len(want), all)
	}
	for _, role := range want {
		if got := all[role.AppID]; !same(got, role) {
			t.Errorf("loaded %+v\n saved %+v", got, role)
		}
	}
}

// keeps is the check that these roles, once saved, are stored and no others.
func keeps(all ...roles.Role) func(t reporter, s roles.Store) {
	return func(t reporter, s roles.Store) {
		save(t, s, all...)
		stored(t, s, all...)
	}
}

// wraps reports an error unless err wraps target.
func wraps(t reporter, what string, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("%s: %v; want an error that wraps %q", what, err, target)
	}
}

// conflicts reports an error unless err wraps ErrConflict.
func conflicts(t reporter, what string, err error) {
	t.Helper()
	wraps(t, what, err, roles.ErrConflict)
}

// stopped reports an error unless err, of a call with a context that is done, wraps the context's.
func stopped(t reporter, what string, err error) {
	t.Helper()
	wraps(t, what+" with a context that is done", err, context.Canceled)
}

func revision(t reporter, s roles.Store) roles.Revision {
	t.Helper()
	revision, err := s.Revision(background)
	if err != nil {
		t.Fatalf("Revision: %v", err)
	}
	return revision
}

// load returns all roles by appid. One that is there twice is an error.
func load(t reporter, s roles.Store) map[string]roles.Role {
	t.Helper()
	rs, _, err := s.Load(background)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	all := make(map[string]roles.Role, len(rs))
	for _, role := range rs {
		if _, there := all[role.AppID]; there {
			t.Errorf("Load returned %q twice", role.AppID)
		}
		all[role.AppID] = role
	}
	return all
}

// differ is the check that two appids, which a careless collation takes for one, have a role each.
func differ(one, two string) func(t reporter, s roles.Store) {
	return func(t reporter, s roles.Store) {
		first, second := roles.Role{AppID: one, Name: "one"}, roles.Role{AppID: two, Name: "two"}
		save(t, s, first)
		_ = s.Delete(background, two, revision(t, s)) // what it returns is another promise
		stored(t, s, first)
		save(t, s, second)
		stored(t, s, first, second)
	}
}

// race calls try by all racers at once and returns which one got nil. It stops the check unless exactly one did, and the
// others got ErrConflict.
func race(t reporter, try func(i int) error) (winner int) {
	t.Helper()
	winner, err := suite.OneWins(suite.Together(racers, try), roles.ErrConflict)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return winner
}
