package roles_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/roles"
)

// What a role inherits from counts like a grant: roles without grants reach the bound as well.
func TestWeightCountsInheritance(t *testing.T) {
	const width = 56
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
	_, err := roles.Compile(rs...)
	require.ErrorContains(t, err, "more than 16777216 grants")
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
