package auth_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth"
)

const allSources = auth.SourceAPIKeyHeader | auth.SourceBearer | auth.SourceNonstandardXAPIKey | auth.SourceInsecureQuery

// A road is a way to show a key in a request.
type road struct {
	name, query, header string
	source              auth.Sources
}

var roads = []road{
	{"api-key", "", "api-key: ", auth.SourceAPIKeyHeader},
	{"API-KEY", "", "API-KEY: ", auth.SourceAPIKeyHeader},
	{"Bearer", "", "Authorization: Bearer ", auth.SourceBearer},
	{"bEARER", "", "Authorization: bEARER   ", auth.SourceBearer},
	{"X-Api-Key", "", "X-Api-Key: ", auth.SourceNonstandardXAPIKey},
	{"query", "?page=2&api_key=", "", auth.SourceInsecureQuery},
}

// by makes an entry that shows the fixtures each on its road.
func by(shown map[road]string) *entry {
	e := &entry{Request: "GET /api/content/posts/items", Headers: []string{}}
	for r, name := range shown {
		if r.query != "" {
			e.Request += r.query + "{{" + name + "}}"
		} else {
			e.Headers = append(e.Headers, r.header+"{{"+name+"}}")
		}
	}
	e.Request += " HTTP/1.1"
	return e
}

// show sends the entry and checks what holds for every answer.
func (s *scene) show(t *testing.T, st stage, e *entry) answer {
	t.Helper()
	raw, err := (&expander{keys: s.keys}).bytes(e)
	require.NoError(t, err)
	a := s.send(t, s.at(t, st), raw)
	for _, what := range s.promises(&a, false) {
		t.Errorf("%s: %s", e.Request, what)
	}
	return a
}

func TestAKeyIsTheSameOnEveryRoad(t *testing.T) {
	_, rs, _ := readCorpus(t)
	for _, instant := range []bool{true, false} {
		s := newScene(t, rs, instant)
		for name, want := range map[string]string{
			"USR": "accept", "USR2": "accept", "ADMIN": "accept", "CUSTOM": "accept",
			"ROLEGONE": "403", "NOROLE": "403", "ROLEUPPER": "403",
			"OLD": "401", "UNKNOWN": "401", "REVOKED": "401", "EXPIRED": "401", "EXPNOW": "401", // not EXP1S: it is both
			"INACTIVE": "401", "ORPHAN": "401", "TENANT2": "401",
		} {
			var first auth.Principal
			for i, r := range roads {
				shown := by(map[road]string{r: name})
				a := s.show(t, stage{sources: allSources}, shown)
				require.Equal(t, want, outcome(&a), "%s by %s", name, r.name)
				require.LessOrEqual(t, a.finds, int64(1))
				if i == 0 {
					first = a.attached
				}
				require.Equal(t, describe(first), describe(a.attached), "%s by %s", name, r.name)

				if r.source&(auth.SourceAPIKeyHeader|auth.SourceBearer) == 0 {
					refused := map[auth.Sources]string{auth.SourceNonstandardXAPIKey: "401", auth.SourceInsecureQuery: "400"}
					a = s.show(t, stage{}, shown)
					require.Equal(t, refused[r.source], outcome(&a), "%s by %s, which is no source", name, r.name)
					require.Zero(t, a.finds)
				}
			}
		}
	}
}

// describe is what makes a principal the same one. The values themselves may be made anew by each request.
func describe(p auth.Principal) []string {
	return []string{string(p.Kind()), p.KeyID(), p.UserID(), p.Name(), p.Role()}
}

func TestTwoRoadsAtOnceLeadNowhere(t *testing.T) {
	_, rs, _ := readCorpus(t)
	s := newScene(t, rs, false)
	for _, one := range roads {
		for _, other := range roads {
			if one == other {
				continue
			}
			for _, pair := range [][2]string{{"USR", "USR"}, {"USR", "CUSTOM"}, {"USR", "UNKNOWN"}, {"REVOKED", "USR"}} {
				for _, st := range []stage{{}, {sources: allSources}, {sources: one.source}} {
					a := s.show(t, st, by(map[road]string{one: pair[0], other: pair[1]}))
					require.Equal(t, "400", outcome(&a), "%v by %s and %s", pair, one.name, other.name)
					require.Zero(t, a.finds)
				}
			}
		}
	}
}
