package roles_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/latchkey-go/latchkey/roles"
)

// manyRoles makes roles of a headless CMS: for each ten grants seven exact ones, two with a star and one with a
// tail. All roles share the texts of their grants in memory, so that the limit gains by it as the policy does.
func manyRoles(n, grants int) []roles.Role {
	texts := make([]string, grants)
	for j := range texts {
		switch j % 10 {
		case 7:
			texts[j] = fmt.Sprintf("content/*/verb%d", j)
		case 8:
			texts[j] = fmt.Sprintf("assets/folder%d/*", j)
		case 9:
			texts[j] = fmt.Sprintf("pages/model%d/**", j)
		default:
			texts[j] = fmt.Sprintf("content/model%d/read", j)
		}
	}
	rs := make([]roles.Role, n)
	for i := range rs {
		g := make(roles.Grants, grants)
		for _, text := range texts {
			g[text] = true
		}
		rs[i] = roles.Role{AppID: fmt.Sprintf("role-%d", i), Permissions: g}
	}
	return rs
}

// queries asks every role in turn for something of this class.
func queries(class string, n, grants int) (rolesOf, permissions []string) {
	for i := range 4096 {
		j := i * 10 % grants
		rolesOf = append(rolesOf, fmt.Sprintf("role-%d", i*7919%n))
		permissions = append(permissions, map[string]string{
			"exact": fmt.Sprintf("content/model%d/read", j+i%7),
			"star":  fmt.Sprintf("content/model%d/verb%d", i, j+7),
			"tail":  fmt.Sprintf("pages/model%d/%d/edit", j+9, i),
			"miss":  fmt.Sprintf("content/model%d/absent%d", j, i%5),
		}[class])
	}
	return rolesOf, permissions
}

var (
	classes = []string{"exact", "star", "tail", "miss"}
	sizes   = [][2]int{{10, 10}, {10, 1000}, {10_000, 10}}
)

type decider interface {
	Allows(role, permission string) bool
}

func BenchmarkAllows(b *testing.B) {
	for _, size := range sizes {
		rs := manyRoles(size[0], size[1])
		for _, c := range []struct {
			name string
			decider
		}{{"limit", newLimit(rs)}, {"policy", roles.MustCompile(rs...)}} {
			for _, class := range classes {
				b.Run(fmt.Sprintf("%dx%d/%s/%s", size[0], size[1], class, c.name), func(b *testing.B) {
					who, what := queries(class, size[0], size[1])
					b.ReportAllocs()
					i := 0
					for b.Loop() {
						if c.Allows(who[i&4095], what[i&4095]) == (class == "miss") {
							b.Fatal("wrong answer")
						}
						i++
					}
				})
			}
		}
	}
}

// The time of a decision grows with the length of what is asked for, whatever that is and whatever the grants
// are: here all that a role of 160 patterns, entangled over 16 segments on purpose, can be asked.
func BenchmarkAllowsWorst(b *testing.B) {
	g := roles.Grants{}
	for i := range 8 {
		for j := range 20 {
			segments := slices.Repeat([]string{"*"}, 16)
			segments[i], segments[8+i] = fmt.Sprintf("s%d", j), fmt.Sprintf("t%d-%d", i, j)
			g[strings.Join(segments, "/")] = true
		}
	}
	p := roles.MustCompile(roles.Role{AppID: "r", Permissions: g})
	for _, n := range []int{2, 4, 8, 16} {
		permission := strings.TrimSuffix(strings.Repeat("s1/", n), "/")
		b.Run(fmt.Sprintf("segments=%d", n), func(b *testing.B) {
			for b.Loop() {
				p.Allows("r", permission)
			}
		})
	}
	for _, n := range []int{1 << 10, 1 << 20} {
		permission := strings.Repeat("a", n)
		b.Run(fmt.Sprintf("one-segment-of=%d", n), func(b *testing.B) {
			for b.Loop() {
				p.Allows("r", permission)
			}
		})
	}
}
