package roles_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/roles"
)

func TestRoleJSON(t *testing.T) {
	for _, c := range []struct{ document, want, err string }{
		{`{"appid":"a","name":"A","info":"i","permissions":{"x":true,"y":false},"inherits":["b"]}`,
			`{"appid":"a","name":"A","info":"i","permissions":{"x":true,"y":false},"inherits":["b"]}`, ""},
		{`{"appid":"a","permissions":[]}`, `{"appid":"a","name":"","info":"","permissions":{}}`, ""},
		{`{"appid":"a","permissions":{}}`, `{"appid":"a","name":"","info":"","permissions":{}}`, ""},
		{`{"appid":"a","permissions":null,"inherits":null,"info":null}`, `{"appid":"a","name":"","info":"","permissions":{}}`, ""},
		{`{"appid":"a"}`, `{"appid":"a","name":"","info":"","permissions":{}}`, ""},
		{`{"_id":"x","_created":1,"appid":"a","permissions":{"content\/posts":true}}`, `{"appid":"a","name":"","info":"","permissions":{"content/posts":true}}`, ""},
		// Names are compared exactly: this one has no permissions.
		{`{"appid":"a","Permissions":{"x":true}}`, `{"appid":"a","name":"","info":"","permissions":{}}`, ""},
		// Only true and false are values.
		{`{"appid":"a","permissions":{"x":1}}`, "", `grant "x" is neither`},
		{`{"appid":"a","permissions":{"x":"true"}}`, "", `grant "x" is neither`},
		{`{"appid":"a","permissions":{"x":"0"}}`, "", `grant "x" is neither`},
		{`{"appid":"a","permissions":{"x":null}}`, "", `grant "x" is neither`},
		{`{"appid":"a","permissions":{"x":{}}}`, "", `grant "x" is neither`},
		{`{"appid":"a","permissions":{"x":[]}}`, "", `grant "x" is neither`},
		{`{"appid":"a","permissions":["x"]}`, "", `a list with members`},
		{`{"appid":"a","permissions":true}`, "", `not a JSON object`},
		{`{"appid":"a","permissions":"**"}`, "", `not a JSON object`},
		// What is written twice could be read in two ways.
		{`{"appid":"a","permissions":{"x":false,"x":true}}`, "", `"x" is written twice`},
		{`{"appid":"a","permissions":{"x":false},"permissions":{"x":true}}`, "", `"permissions" is written twice`},
		{`{"appid":"a","appid":"b"}`, "", `"appid" is written twice`},
		{`{"appid":7}`, "", `member "appid"`},
		{`{"appid":"a","inherits":"b"}`, "", `member "inherits"`},
		{`[]`, "", `not a JSON object`},
		{`"a"`, "", `not a JSON object`},
	} {
		role := roles.Role{AppID: "before", Permissions: roles.Grants{"before": true}}
		err := json.Unmarshal([]byte(c.document), &role)
		if c.err != "" {
			require.ErrorContains(t, err, c.err, c.document)
			require.Equal(t, "before", role.AppID, "an error changes nothing")
			continue
		}
		require.NoError(t, err, c.document)
		out, err := json.Marshal(role)
		require.NoError(t, err)
		require.Equal(t, c.want, string(out), c.document)
	}
}

func TestGrantsJSON(t *testing.T) {
	for _, empty := range []string{"[]", "{}", "null", " [ ] "} {
		g := roles.Grants{"before": true}
		require.NoError(t, json.Unmarshal([]byte(empty), &g), empty)
		require.Empty(t, g, empty)
	}
	out, err := json.Marshal(roles.Grants{"b": false, "a/**": true})
	require.NoError(t, err)
	require.Equal(t, `{"a/**":true,"b":false}`, string(out))
}

// Whatever bytes come in: no panic, nothing but true and false becomes a grant, and what was read is written so
// that it reads the same.
func FuzzRoleJSON(f *testing.F) {
	for _, seed := range []string{
		`{"appid":"a","name":"A","info":"i","permissions":{"x":true,"y":false},"inherits":["b"]}`,
		`{"permissions":[]}`, `{"permissions":{"x":"1"}}`, `{"permissions":{"x":true,"x":false}}`, `null`, `{"permissions":[`, "{\"appid\":\"\xff\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var role roles.Role
		if json.Unmarshal(data, &role) != nil {
			return
		}
		var loose struct{ Permissions map[string]any }
		if json.Unmarshal(data, &loose) == nil {
			for grant, value := range role.Permissions {
				if got, ok := loose.Permissions[grant]; ok && got != value {
					t.Fatalf("%s: %q became %v", data, grant, value)
				}
			}
		}
		out, err := json.Marshal(role)
		if err != nil {
			t.Fatal(err)
		}
		var again roles.Role
		if err := json.Unmarshal(out, &again); err != nil {
			t.Fatalf("%s was written as %s: %v", data, out, err)
		}
		twice, err := json.Marshal(again)
		if err != nil || string(twice) != string(out) {
			t.Fatalf("%s, then %s", out, twice)
		}
		if p, err := roles.Compile(role); err == nil && !p.Has(role.AppID) {
			t.Fatal("compiled, but is not there")
		}
	})
}
