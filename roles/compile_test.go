package roles_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/roles"
)

// Every mistake is told at once, each with its role and its grant.
func TestCompileTellsAllMistakes(t *testing.T) {
	_, err := roles.Compile(
		roles.Role{AppID: "ADMIN"},
		roles.Role{AppID: "bad id"},
		roles.Role{AppID: "bad-grants", Permissions: roles.Grants{"a//b": true, "**/x": false, "": true, "ok": true}},
		roles.Role{AppID: "bad-name", Name: "two\nlines"},
		roles.Role{AppID: "bad-info", Info: "nul\x00"},
		roles.Role{AppID: "bad-text", Name: "\xff"},
		roles.Role{AppID: "circle-a", Inherits: []string{"circle-b"}},
		roles.Role{AppID: "circle-b", Inherits: []string{"circle-c"}},
		roles.Role{AppID: "circle-c", Inherits: []string{"circle-a"}},
		roles.Role{AppID: "heir-of-circle", Inherits: []string{"circle-a"}},
		roles.Role{AppID: "heir-of-admin", Inherits: []string{"Admin"}},
		roles.Role{AppID: "orphan", Inherits: []string{"ghost"}},
		roles.Role{AppID: "self", Inherits: []string{"self"}},
		roles.Role{AppID: "twice"},
		roles.Role{AppID: "twice"},
		roles.Role{AppID: "case"},
		roles.Role{AppID: "Case"},
		roles.Role{AppID: "fine", Name: "Größe ✓", Info: "two\nlines\tand a tab", Permissions: roles.Grants{"a/**": true}},
	)
	require.Error(t, err)
	var one *roles.Problem
	require.True(t, errors.As(err, &one))
	require.Equal(t, `roles: role "ADMIN": has a reserved appid
roles: role "bad id": has an appid that is not 1 to 64 of A-Z a-z 0-9 _ -, first a letter or a digit
roles: role "bad-grants": has a grant without text
roles: role "bad-grants", grant "**/x": is not a permission or a pattern of permissions
roles: role "bad-grants", grant "a//b": is not a permission or a pattern of permissions
roles: role "bad-info": has info that is not a text of at most 4096 bytes of UTF-8
roles: role "bad-name": has a name that is not one line of at most 256 bytes of UTF-8
roles: role "bad-text": has a name that is not one line of at most 256 bytes of UTF-8
roles: role "case": differs only in case from the role "Case"
roles: role "circle-a": inherits from itself: "circle-a" from "circle-b" from "circle-c" from "circle-a"
roles: role "heir-of-admin": inherits from "Admin", which is reserved
roles: role "orphan": inherits from "ghost", which is no role
roles: role "self": inherits from itself: "self" from "self"
roles: role "twice": is there twice`, err.Error())
	all := roles.Problems(fmt.Errorf("wrapped: %w", err))
	require.Len(t, all, 14)
	require.Equal(t, roles.Problem{Role: "bad-grants", Field: "permissions", Grant: "a//b", Text: "is not a permission or a pattern of permissions"}, *all[4])
	require.Nil(t, roles.Problems(nil))
	require.Nil(t, roles.Problems(errors.New("another")))
	require.Panics(t, func() { roles.MustCompile(roles.Role{}) })

	_, err = roles.Compile(roles.Role{AppID: "r", Permissions: roles.Grants{strings.Repeat("é", 1000): true}})
	require.Less(t, len(err.Error()), 700, "long names are cut")
}

func TestInheritanceDepth(t *testing.T) {
	line := func(n int) (rs []roles.Role) {
		for i := range n {
			r := roles.Role{AppID: fmt.Sprintf("r%d", i)}
			if i > 0 {
				r.Inherits = []string{fmt.Sprintf("r%d", i-1)}
			} else {
				r.Permissions = roles.Grants{"a": true}
			}
			rs = append(rs, r)
		}
		return rs
	}
	require.True(t, roles.MustCompile(line(17)...).Allows("r16", "a"), "16 above it")
	_, err := roles.Compile(line(18)...)
	require.ErrorContains(t, err, `role "r17": inherits through 17 roles in a row; at most 16 are allowed`)
	_, err = roles.Compile(line(5000)...)
	require.Len(t, roles.Problems(err), 1)
}

// In layers where everyone inherits from everyone above there are very many ways up; each ancestor counts once.
func TestInheritanceDiamonds(t *testing.T) {
	var rs []roles.Role
	for layer := range 16 {
		for i := range 20 {
			r := roles.Role{AppID: fmt.Sprintf("r%d-%d", layer, i), Permissions: roles.Grants{fmt.Sprintf("p/%d/%d", layer, i): true}}
			for j := range 20 {
				if layer > 0 {
					r.Inherits = append(r.Inherits, fmt.Sprintf("r%d-%d", layer-1, j))
				}
			}
			rs = append(rs, r)
		}
	}
	start := time.Now()
	p := roles.MustCompile(rs...)
	require.Less(t, time.Since(start), 10*time.Second)
	require.True(t, p.Allows("r15-7", "p/0/19"))
	require.False(t, p.Allows("r15-7", "p/15/8"))
}

// Roles that would take all memory by inheriting from each other are refused before they do.
func TestWeightIsBounded(t *testing.T) {
	var rs []roles.Role
	big := roles.Grants{}
	for i := range 20_000 {
		big[fmt.Sprintf("p/%d", i)] = true
	}
	rs = append(rs, roles.Role{AppID: "big", Permissions: big})
	for i := range 1000 {
		rs = append(rs, roles.Role{AppID: fmt.Sprintf("r%d", i), Inherits: []string{"big"}})
	}
	start := time.Now()
	_, err := roles.Compile(rs...)
	require.ErrorContains(t, err, "more than 16777216 grants")
	require.Less(t, time.Since(start), 10*time.Second)
}

// Roles that inherit from each other in long rows are refused, but not slowly: the work grows with what they
// inherit, not with its square.
func TestLongRowsAreRefusedSoon(t *testing.T) {
	const n = 20_000
	rs := make([]roles.Role, n)
	appid := func(i int) string { return fmt.Sprintf("role-%05d", i) }
	for i := range rs {
		rs[i].AppID = appid(i)
		for j := i + 1; j < min(i+50, n); j++ {
			rs[i].Inherits = append(rs[i].Inherits, appid(j))
		}
	}
	start := time.Now()
	_, err := roles.Compile(rs...)
	require.ErrorContains(t, err, "at most 16 are allowed")
	require.Less(t, time.Since(start), 10*time.Second)
}
