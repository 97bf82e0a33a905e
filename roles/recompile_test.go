package roles

import "testing"

// Roles that a change does not affect are taken from the older policy.
func TestWithCompilesOnlyWhatChanges(t *testing.T) {
	p := MustCompile(Role{AppID: "base", Permissions: Grants{"a": true}}, Role{AppID: "heir", Inherits: []string{"base"}}, Role{AppID: "other"})
	q, err := p.With(Role{AppID: "base", Permissions: Grants{"b": true}})
	if err != nil {
		t.Fatal(err)
	}
	if p.roles["other"] != q.roles["other"] || p.roles["heir"] == q.roles["heir"] {
		t.Error("other must be the same, heir must not")
	}
	again, err := q.Recompile(q.Roles()...)
	if err != nil {
		t.Fatal(err)
	}
	for appid, m := range q.roles {
		if again.roles[appid] != m {
			t.Errorf("%s was compiled again though nothing changed", appid)
		}
	}
}
