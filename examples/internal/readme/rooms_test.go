package readme

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The imports of each package of the library, without the standard library. A new import must be added here, with a
// reason.
var rooms = map[string]string{
	"roles":          "internal/ask internal/fresh roles/internal/automaton",
	"keys":           "internal/ask internal/fresh uuid",
	"auth":           "internal/ask internal/fresh keys roles",
	"publicapi":      "auth internal/ask internal/fresh keys roles",
	"internal/ask":   "",
	"internal/fresh": "internal/ask",
	"internal/suite": "", // for the suites of stores below

	"roles/internal/automaton": "",

	"auth/audit":          "",
	"auth/sqlstore":       "auth/audit internal/fresh keys publicapi roles",
	"auth/admin":          "auth auth/audit keys publicapi roles",
	"auth/admin/adminapi": "auth auth/admin auth/audit keys publicapi roles",
	"auth/admin/console":  "auth auth/admin auth/audit keys publicapi roles",
	"auth/cockpit":        "auth auth/audit keys publicapi roles",
	"auth/setup":          "auth auth/admin auth/admin/adminapi auth/admin/console auth/audit auth/sqlstore keys publicapi roles",

	"graphqlauth":         "auth gqlgen gqlparser keys roles",
	"graphqlauth/cmd/sdl": "graphqlauth",

	// for tests: of hosts, of their stores, and our own
	"roles/rolestest":             "internal/suite roles",
	"keys/keystest":               "internal/suite keys uuid",
	"publicapi/publicapitest":     "internal/suite publicapi",
	"auth/audit/audittest":        "auth/audit internal/suite",
	"auth/authtest":               "auth keys roles",
	"graphqlauth/graphqlauthtest": "auth gqlparser graphqlauth roles",
	"graphqlauth/testschema":      "gqlgen gqlparser",
}

func TestRoomsAndArrows(t *testing.T) {
	const module = "github.com/latchkey-go/latchkey/"
	list := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "./...", "./graphqlauth/...")
	list.Dir = root
	out, err := list.CombinedOutput()
	require.NoError(t, err, "%s", out)
	found := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		imports := strings.Fields(line)
		var arrows []string
		for _, path := range imports[1:] {
			to, ours := strings.CutPrefix(path, module)
			host, _, _ := strings.Cut(path, "/")
			switch {
			case ours:
			case strings.Contains(host, "."):
				to = strings.Split(path, "/")[2] // host/owner/name
			default:
				continue
			}
			if len(arrows) == 0 || arrows[len(arrows)-1] != to { // go list sorts
				arrows = append(arrows, to)
			}
		}
		found[strings.TrimPrefix(imports[0], module)] = arrows
	}
	for room, arrows := range found {
		require.Contains(t, rooms, room, "a new package")
		require.ElementsMatch(t, strings.Fields(rooms[room]), arrows, "what %s imports", room)
	}
	for room := range rooms {
		require.Contains(t, found, room, "a package that is gone")
	}
}
