// Package readme checks the statements of README.md.
package readme

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const root = "../../.."

func readme(t *testing.T) string {
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	require.NoError(t, err)
	return string(text)
}

// The first program compiles in a module of its own, copied from README.
func TestTheFirstProgramCompiles(t *testing.T) {
	block := regexp.MustCompile("(?s)```go\n(package main.*?)```").FindStringSubmatch(readme(t))
	require.NotNil(t, block, "README has a first program")
	dir := t.TempDir()
	library, err := filepath.Abs(root)
	require.NoError(t, err)
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	write("main.go", block[1])
	mod := "module stranger\n\ngo 1.26\n\nrequire github.com/latchkey-go/latchkey "
	if released := os.Getenv("LATCHKEY_RELEASE"); released != "" { // a rehearsal of a release serves this version
		mod += released + "\n"
	} else {
		mod += fmt.Sprintf("v0.0.0\n\nreplace github.com/latchkey-go/latchkey => %s\n", library)
	}
	write("go.mod", mod)
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	require.NoError(t, err)
	write("go.sum", string(sum))
	for _, args := range [][]string{{"mod", "tidy"}, {"vet", "."}, {"build", "-o", filepath.Join(dir, "program"), "."}} {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "go %s: %s", strings.Join(args, " "), out)
	}
}

// The fragments of README fit together: one after the other they are one program of a host.
func TestTheFragmentsCompile(t *testing.T) {
	var fragments []string
	for _, block := range blocks(readme(t)) {
		if !strings.Contains(block, "package main") {
			fragments = append(fragments, strings.TrimSpace(block))
		}
	}
	require.Len(t, fragments, 2)
	dir := filepath.Join(t.TempDir(), "host")
	require.NoError(t, os.Mkdir(dir, 0o700))
	program := filepath.Join(dir, "main.go")
	require.NoError(t, os.WriteFile(program, []byte(strings.Replace(host, "FRAGMENTS", strings.Join(fragments, "\n"), 1)), 0o600))
	out, err := exec.CommandContext(t.Context(), "go", "vet", program).CombinedOutput() // in examples, which has the drivers
	require.NoError(t, err, "%s", out)
}

// host is what the fragments of README take for given.
const host = `package main

import (
	"context"
	"database/sql"
	"log"
	"net/http"

	"github.com/jackc/pgx/v5"

	"github.com/latchkey-go/latchkey/auth"
	"github.com/latchkey-go/latchkey/auth/admin/console"
	"github.com/latchkey-go/latchkey/auth/setup"
	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/roles"
)

type signIn struct{}

func (signIn) User(*http.Request) (string, error) { return "", nil }

func main() {
	var (
		ctx           = context.Background()
		db            *sql.DB
		dsn           string
		users         auth.UserMap
		sessions      signIn
		catalog       *roles.Catalog
		start         setup.Start
		mux           *http.ServeMux
		pages, create http.Handler
		server        *http.Server
	)
	FRAGMENTS
	_ = listen
}
`

// Nothing is left to fill in, and the page of costs has its table.
func TestNothingIsLeftToFillIn(t *testing.T) {
	text := readme(t) + read(t, filepath.Join(root, ".github/guides/costs.md"))
	for _, left := range []string{"PLACEHOLDER", "TODO", "FIXME", "XXX"} {
		require.NotContains(t, text, left)
	}
	require.Contains(t, text, "| good key | ")
}

// The files that README names exist.
func TestTheNamesInREADMEExist(t *testing.T) {
	for _, name := range regexp.MustCompile("`(auth|keys|roles|publicapi|authtest|keystest|rolestest|publicapitest)\\.([A-Z]\\w*)(?:\\.([A-Z]\\w*))?").FindAllStringSubmatch(readme(t), -1) {
		folder := map[string]string{"authtest": "auth/authtest", "keystest": "keys/keystest", "rolestest": "roles/rolestest", "publicapitest": "publicapi/publicapitest"}[name[1]]
		if folder == "" {
			folder = name[1]
		}
		symbol := name[2]
		if name[3] != "" {
			symbol += "." + name[3]
		}
		cmd := exec.CommandContext(t.Context(), "go", "doc", "./"+folder, symbol)
		cmd.Dir = root
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "README names %s.%s: %s", name[1], symbol, out)
	}
}
