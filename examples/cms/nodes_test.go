package main

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/roles"
)

// The other node sees a change within its staleness.
func TestTwoNodes(t *testing.T) {
	oneByOne(t, func(t *testing.T, c config) {
		c.load = fixture
		a, key := start(t, c), keyOf(t)
		c.load = ""
		b := start(t, c)
		n := anotherNode(t, c)
		const posts = "/api/content/items/posts"
		for _, name := range []string{"k-reader", "k-plain", "rea", "k-drafter", ""} {
			require.Equal(t, 200, a.status(t, "GET", posts, key(name)), "%q", name)
			require.Equal(t, 200, b.status(t, "GET", posts, key(name)), "%q", name)
		}
		refreshed, err := n.lk.Keys.Refresh(t.Context(), recordOf(t, n, "k-plain").ID, keys.Renewal{})
		require.NoError(t, err)
		require.NoError(t, n.lk.Keys.Invalidate(t.Context(), recordOf(t, n, "k-reader").ID))
		deactivate(t, n, "rea")
		require.NoError(t, n.lk.Roles.Save(t.Context(), roles.Role{AppID: "drafter", Name: "Drafter"}))
		require.NoError(t, n.lk.Public.Disable(t.Context(), "test"))
		changed := time.Now()

		for name, want := range map[string]int{"k-reader": 401, "k-plain": 401, "rea": 401, "k-drafter": 403, "": 401} {
			for _, node := range []*running{a, b} {
				for asked := time.Now(); node.status(t, "GET", posts, key(name)) != want; asked = time.Now() {
					require.Less(t, asked.Sub(changed), c.staleness+time.Second, "%q is still not refused", name)
					time.Sleep(time.Millisecond)
				}
			}
		}
		t.Logf("seen everywhere after %v", time.Since(changed))
		require.Equal(t, 200, a.status(t, "GET", posts, refreshed.Key.Reveal()))
		require.Equal(t, 200, b.status(t, "GET", posts, key("ed")))
		require.Equal(t, 200, b.status(t, "GET", posts, refreshed.Key.Reveal()))
	})
}

// Nodes that start at once on a new database create its tables, its pepper and its first keys once.
func TestStartingAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, c config) {
		const nodes = 4
		issued, errs := make([][]made, nodes), make([]error, nodes)
		opened := make([]*node, nodes)
		var all sync.WaitGroup
		for i := range nodes {
			all.Go(func() {
				if opened[i], errs[i] = open(t.Context(), c, logTo(t)); errs[i] == nil {
					issued[i], errs[i] = opened[i].fill(t.Context(), "")
				}
			})
		}
		all.Wait()
		for _, n := range opened {
			if n != nil {
				defer func() { require.NoError(t, n.close(context.Background())) }()
			}
		}
		var keys []made
		for i := range nodes {
			require.NoError(t, errs[i])
			keys = append(keys, issued[i]...)
		}
		require.Len(t, keys, 2)
		for _, n := range opened {
			for _, key := range keys {
				_, err := n.lk.Keys.Verify(t.Context(), key.Key.Reveal())
				require.NoError(t, err, "all have the same pepper")
			}
		}
	})
}

// The real program, stopped as a service manager stops it.
func TestSIGTERM(t *testing.T) {
	program, err := os.Executable()
	require.NoError(t, err)
	onEach(t, func(t *testing.T, c config) {
		run := func() (r *running, end func()) {
			args := []string{"-addr", c.addr, "-db", c.db}
			if c.pepper != "" {
				args = append(args, "-pepper", c.pepper)
			}
			command := exec.Command(program, args...)
			command.Env = append(os.Environ(), asProgram+"=1")
			command.Stderr = os.Stderr
			out, err := command.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, command.Start())
			t.Cleanup(func() { command.Process.Kill() })
			r = &running{}
			lines := bufio.NewScanner(out)
			for lines.Scan() && lines.Text() != "Try it:" {
				r.printed = append(r.printed, lines.Text())
			}
			require.NotEmpty(t, r.printed)
			r.url = strings.TrimPrefix(r.printed[0], "listening on ")
			return r, func() {
				require.NoError(t, command.Process.Signal(syscall.SIGTERM))
				for lines.Scan() {
				}
				killed := time.AfterFunc(15*time.Second, func() { command.Process.Kill() })
				defer killed.Stop()
				require.NoError(t, command.Wait(), "it exits with 0")
			}
		}

		r, end := run()
		editor, ada := customLine.FindStringSubmatch(r.printed[1])[1], userLine.FindStringSubmatch(r.printed[2])[1]
		before := time.Now().Truncate(time.Microsecond)
		require.Equal(t, 200, r.status(t, "GET", "/api/content/items/posts", editor))
		require.Equal(t, 200, r.status(t, "GET", "/api/content/items/posts", ada))
		require.Equal(t, 200, r.status(t, "POST", "/api/content/item/posts", editor, `{"data":{"title":"Kept"}}`))
		end()

		n := anotherNode(t, c)
		for _, name := range []string{"First key", "Ada"} {
			require.WithinRange(t, recordOf(t, n, name).LastUsedAt, before, time.Now(), "the last use of %q was written on the way out", name)
		}
		require.NoError(t, n.close(context.Background()))

		r, end = run()
		require.Equal(t, 200, r.status(t, "GET", "/api/content/items/posts", editor))
		require.Contains(t, r.titles(t, "/api/content/items/posts", ada, "title"), "Kept")
		require.Equal(t, 401, r.status(t, "GET", "/api/content/items/posts", ""))
		end()
	})
}
