package roles_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/roles"
)

// layers returns 16 layers of roles without grants. Each role inherits from all of the layer before.
func layers(width int) []roles.Role {
	var rs []roles.Role
	for layer := range 16 {
		for i := range width {
			r := roles.Role{AppID: fmt.Sprintf("r%d-%d", layer, i)}
			for j := range width {
				if layer > 0 {
					r.Inherits = append(r.Inherits, fmt.Sprintf("r%d-%d", layer-1, j))
				}
			}
			rs = append(rs, r)
		}
	}
	return rs
}

// What a role inherits from counts like a grant: roles without grants reach the bound as well.
func TestWeightCountsInheritance(t *testing.T) {
	_, err := roles.Compile(layers(56)...)
	require.ErrorContains(t, err, "more than 16777216 grants")
}

// Roles that a change leaves alone count as well, so that the bound cannot be passed bit by bit.
func TestWeightCountsUnchangedRoles(t *testing.T) {
	rs := layers(53)
	p := roles.MustCompile(rs...)
	last := rs[len(rs)-53:]
	for i := range 20 {
		r := roles.Role{AppID: fmt.Sprintf("more-%d", i)}
		for _, parent := range last {
			r.Inherits = append(r.Inherits, parent.AppID)
		}
		rs = append(rs, r)
	}
	_, err := p.Recompile(rs...)
	require.ErrorContains(t, err, "more than 16777216 grants")
}

// One mistake of a role hides a second one that follows from the same list.
func TestOneProblemForAnInheritsList(t *testing.T) {
	rs := []roles.Role{{AppID: "c0"}}
	for i := range 17 {
		rs = append(rs, roles.Role{AppID: fmt.Sprintf("c%d", i+1), Inherits: []string{fmt.Sprintf("c%d", i)}})
	}
	_, err := roles.Compile(rs...)
	require.ErrorContains(t, err, "inherits through 17 roles in a row")
	for _, wrong := range []string{"admin", "ghost"} {
		rs[17].Inherits = []string{"c16", wrong}
		_, err := roles.Compile(rs...)
		require.Len(t, roles.Problems(err), 1)
		require.ErrorContains(t, err, "inherits from \""+wrong+"\", which is")
	}
}

// The error for a cycle names each role. A long cycle leaves out the middle.
func TestCycleText(t *testing.T) {
	circle := func(n int) string {
		rs := make([]roles.Role, n)
		for i := range rs {
			rs[i] = roles.Role{AppID: fmt.Sprintf("r%02d", i), Inherits: []string{fmt.Sprintf("r%02d", (i+1)%n)}}
		}
		_, err := roles.Compile(rs...)
		var problem *roles.Problem
		require.ErrorAs(t, err, &problem)
		return problem.Text
	}
	list := func(from, to int) string {
		var names []string
		for i := from; i < to; i++ {
			names = append(names, fmt.Sprintf("%q", fmt.Sprintf("r%02d", i)))
		}
		return strings.Join(names, " from ")
	}
	require.Equal(t, "inherits from itself: "+list(0, 19)+` from "r00"`, circle(19))
	require.Equal(t, "inherits from itself: "+list(0, 10)+" from … from "+list(11, 20)+` from "r00"`, circle(20))
	require.Equal(t, "inherits from itself: "+list(0, 10)+" from … from "+list(31, 40)+` from "r00"`, circle(40))
}
