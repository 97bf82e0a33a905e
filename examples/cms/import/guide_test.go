package main

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const root = "../../.."

var (
	block  = regexp.MustCompile("(?s)```sh\n(.*?)```")
	wanted = regexp.MustCompile(`^(curl -i .*) # ([0-9]{3})$`)
)

// The README's commands do what it says, in its order, but for another port and another file.
func TestTheGuide(t *testing.T) {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	address := freeAddress(t)
	db := filepath.Join(t.TempDir(), "cms.db")
	commands := strings.NewReplacer("127.0.0.1:8080", address, " cms.db", " "+db).Replace(strings.Join(flatten(block.FindAllStringSubmatch(string(text), -1)), ""))
	setting := ""
	ran := map[string]int{}
	for line := range strings.Lines(commands) {
		line = strings.TrimSpace(line)
		curl := wanted.FindStringSubmatch(line)
		switch {
		case line == "":
		case strings.HasPrefix(line, "STORAGE="):
			setting = line + "; "
		case strings.HasPrefix(line, "go run ./examples/cms/import "):
			out := shell(t, setting+line)
			require.Contains(t, out, "key: ", line)
			require.Equal(t, strings.Contains(line, "-dry-run"), !exists(db), line)
			ran["import"]++
		case strings.HasPrefix(line, "go run ./examples/cms "):
			serve(t, line, address)
			ran["serve"]++
		case curl != nil:
			require.Regexp(t, `^HTTP/1.1 `+curl[2]+` `, shell(t, curl[1]), line)
			ran["curl"]++
		default:
			t.Fatalf("the guide says %q, which is not known here", line)
		}
	}
	require.Equal(t, map[string]int{"import": 3, "serve": 1, "curl": 7}, ran)
}

func flatten(blocks [][]string) (all []string) {
	for _, b := range blocks {
		all = append(all, b[1])
	}
	return all
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().String()
}

// shell runs a line in the root of the repository.
func shell(t *testing.T, line string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // the first one compiles
	defer cancel()
	command := exec.CommandContext(ctx, "sh", "-c", line)
	command.Dir = root
	var problems strings.Builder
	command.Stderr = &problems
	out, err := command.Output()
	require.NoError(t, err, "%s\n%s", line, &problems)
	return string(out)
}

// serve starts a server until the test ends, and waits until it answers.
func serve(t *testing.T, line, address string) {
	t.Helper()
	command := exec.Command("sh", "-c", line)
	command.Dir = root
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // go run has a child
	out, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		require.NoError(t, syscall.Kill(-command.Process.Pid, syscall.SIGTERM))
		command.Wait()
	})
	printed := make(chan string, 100)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			select {
			case printed <- lines.Text():
			default: // the log is large enough
			}
		}
	}()
	deadline := time.After(5 * time.Minute)
	for said := ""; !strings.Contains(said, "user admin, password "); {
		select {
		case line := <-printed:
			said += line + "\n"
		case <-deadline:
			t.Fatalf("it did not start: %s", said)
		}
	}
	for start := time.Now(); time.Since(start) < time.Minute; time.Sleep(50 * time.Millisecond) {
		if response, err := http.Get("http://" + address + "/api/system/healthcheck"); err == nil {
			response.Body.Close()
			return
		}
	}
	t.Fatal("it does not answer")
}
