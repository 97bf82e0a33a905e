package gqlgenmatrix

import (
	"bufio"
	"cmp"
	"context"
	"flag"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var guideFile = flag.String("guide", library+"/.github/guides/graphql.md", "the guide to follow")

// TestTheStepsOfTheGuide follows the guide literally: its commands, in a new folder, with its files. Only
// the library's address, gqlgen's version and the port are replaced.
func TestTheStepsOfTheGuide(t *testing.T) {
	began := time.Now()
	file, err := os.ReadFile(*guideFile)
	require.NoError(t, err)
	section := string(file)

	p := newProject(t)
	port := freePort(t)
	var asked []string
	var program string
	for _, block := range regexp.MustCompile("(?s)```(\\w+)\n(.*?)```").FindAllStringSubmatch(section, -1) {
		kind, text := block[1], block[2]
		switch kind {
		case "sh": // of the checkout: .ci/run runs it
		case "graphql":
			p.write("graph/schema.graphqls", text)
		case "go":
			require.Contains(t, text, `"127.0.0.1:8080"`)
			p.write("server.go", strings.Replace(text, "127.0.0.1:8080", port, 1))
		case "bash":
			for line := range strings.Lines(text) {
				switch line = strings.TrimSpace(line); {
				case strings.HasPrefix(line, "curl "):
					asked = append(asked, strings.Replace(line, "127.0.0.1:8080", port, 1))
				case line == "go run .":
					program = line
				case line == "go get -tool github.com/99designs/gqlgen":
					p.sh(line + "@" + current(t))
				case line == "go get github.com/latchkey-go/latchkey/graphqlauth":
					p.sh(line + "@" + cmp.Or(released, "v0.0.0")) // v0.0.0 is the checkout
				default:
					if line == "go tool gqlgen generate" {
						answerTodos(p, section)
					}
					p.sh(line)
					if strings.HasPrefix(line, "go mod init ") {
						p.replace()
					}
				}
			}
		default:
			t.Fatalf("a block of %q, which this test does not know how to follow", kind)
		}
	}
	require.NotEmpty(t, program)
	require.Len(t, asked, 2)
	p.sh("go vet ./...")

	key := started(t, p)
	public, mutation := p.sh(asked[0]), p.sh(asked[1])
	require.Contains(t, public, "HTTP/1.1 200 OK")
	require.Contains(t, public, `{"data":{"todos":[{"text":"Lock the door"}]}}`)
	require.Contains(t, mutation, "HTTP/1.1 401 Unauthorized")
	require.Contains(t, mutation, "UNAUTHENTICATED")
	keyed := p.sh(asked[1] + " -H 'api-key: " + key + "'")
	require.Contains(t, keyed, "internal system error", "the stub of a fresh project was reached")
	require.Contains(t, p.sh(asked[0]+" -H 'api-key: wrong'"), "HTTP/1.1 401 Unauthorized")
	t.Logf("the steps took %v", time.Since(began).Round(time.Second))
}

// answerTodos changes the resolver of todos as the section says.
func answerTodos(p *project, section string) {
	p.t.Helper()
	found := regexp.MustCompile("`(return [^`]*)`").FindStringSubmatch(section)
	require.NotNil(p.t, found)
	const file, stub = "graph/schema.resolvers.go", `panic(fmt.Errorf("not implemented: Todos - todos"))`
	require.Contains(p.t, p.read(file), stub)
	p.write(file, strings.Replace(p.read(file), stub, found[1], 1))
}

// started runs the project until the test ends, and returns the printed key.
func started(t *testing.T, p *project) string {
	t.Helper()
	p.sh("go build -o server .")
	ctx, stop := context.WithCancel(context.Background())
	cmd := p.command(ctx, "exec ./server")
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { stop(); _ = cmd.Wait() })
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan(), "the program prints a line")
	key, found := strings.CutPrefix(lines.Text(), "shown once: ")
	require.True(t, found, lines.Text())
	go func() { // otherwise the program would block
		for lines.Scan() {
		}
	}()
	return key
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().String()
}
