// Package gqlgenmatrix makes gqlgen projects in empty folders, by the steps of the guide to GraphQL, and with each gqlgen that
// graphqlauth supports.
package gqlgenmatrix

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// library is the checkout that the projects use instead of a released version.
const library = "../../.."

// A project is a module of its own in a new folder.
type project struct {
	t   *testing.T
	dir string
}

func newProject(t *testing.T) *project {
	t.Helper()
	p := &project{t, t.TempDir()}
	sums, err := os.ReadFile("../../go.sum") // avoids most requests to the checksum server
	require.NoError(t, err)
	p.write("go.sum", string(sums))
	return p
}

func (p *project) write(name, text string) {
	p.t.Helper()
	path := filepath.Join(p.dir, filepath.FromSlash(name))
	require.NoError(p.t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(p.t, os.WriteFile(path, []byte(text), 0o600))
}

func (p *project) read(name string) string {
	p.t.Helper()
	text, err := os.ReadFile(filepath.Join(p.dir, filepath.FromSlash(name)))
	require.NoError(p.t, err)
	return string(text)
}

// replace makes the project use the checkout, unless a release is rehearsed.
func (p *project) replace() {
	p.t.Helper()
	if released != "" {
		return
	}
	root, err := filepath.Abs(library)
	require.NoError(p.t, err)
	p.sh("go mod edit -replace github.com/latchkey-go/latchkey=" + root + " -replace github.com/latchkey-go/latchkey/graphqlauth=" + root + "/graphqlauth")
}

// released is the version that a rehearsal of a release serves, or "". With it, a project replaces nothing.
var released = os.Getenv("LATCHKEY_RELEASE")

// command returns a shell's line in the project's folder, outside the workspace of the checkout.
func (p *project) command(ctx context.Context, line string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "sh", "-c", line)
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
	return cmd
}

// sh runs a line and returns what it printed.
func (p *project) sh(line string) string {
	p.t.Helper()
	out, err := p.command(p.t.Context(), line).CombinedOutput()
	require.NoError(p.t, err, "%s:\n%s", line, out)
	return string(out)
}

// current returns the gqlgen version of the examples.
func current(t *testing.T) string {
	t.Helper()
	mod, err := os.ReadFile("../../go.mod")
	require.NoError(t, err)
	found := regexp.MustCompile(`github\.com/99designs/gqlgen (v\S+)`).FindSubmatch(mod)
	require.NotNil(t, found)
	return strings.TrimSpace(string(found[1]))
}
