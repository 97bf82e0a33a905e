package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A large Cockpit is imported in bounded memory: with LATCHKEY_LONG=1 one of 10,000 keys and 100,000 items. The
// program reports its own memory, so it runs in a process of its own.
func TestALargeCockpit(t *testing.T) {
	keys, items := 200, 2_000
	if os.Getenv("LATCHKEY_LONG") == "1" {
		keys, items = 10_000, 100_000
	}
	from := large(t, keys, items)
	program := build(t)
	db := filepath.Join(t.TempDir(), "cms.db")
	for _, c := range []struct {
		about string
		flags []string
		want  string
	}{
		{"a dry run", []string{"-dry-run"}, fmt.Sprintf("model posts: new, %d new items\n", items)},
		{"the import", nil, fmt.Sprintf("model posts: new, %d new items\n", items)},
		{"another run", nil, "model posts: there already, 0 new items\n"},
		{"another dry run", []string{"-dry-run"}, "model posts: there already, 0 new items\n"},
	} {
		out, peak := runBuilt(t, program, append([]string{"-from", from, "-db", db}, c.flags...)...)
		require.Contains(t, out, c.want, c.about)
		n := fmt.Sprintf("key:    %d new, 0 changed, 0 unchanged, 0 refused\n", keys)
		if strings.HasPrefix(c.about, "another") {
			n = fmt.Sprintf("key:    0 new, 0 changed, %d unchanged, 0 refused\n", keys)
		}
		require.Contains(t, out, n, c.about)
		if items == 100_000 {
			require.Regexp(t, `model posts: [0-9]+ of 100000 items\n`, out, "it says how far it is")
		}
		require.Less(t, peak, 256, c.about)
		t.Logf("%s of %d keys and %d items %s", c.about, keys, items, out[strings.LastIndex(out, "took "):])
	}
}

func build(t *testing.T) (program string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), "import")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return program
}

var took = regexp.MustCompile(`took \S+ and at most ([0-9]+) MiB of memory\n$`)

// runBuilt runs the program and returns its output and its peak memory in MiB.
func runBuilt(t *testing.T, program string, flags ...string) (out string, peak int) {
	t.Helper()
	var problems bytes.Buffer
	command := exec.CommandContext(t.Context(), program, flags...)
	command.Stderr = &problems
	text, err := command.Output()
	require.NoError(t, err, "%s", &problems)
	last := took.FindSubmatch(text)
	if last == nil {
		t.Skip("SKIPPED: this system does not say how much memory a process has had; Linux does, in /proc/self/status")
	}
	peak, err = strconv.Atoi(string(last[1]))
	require.NoError(t, err)
	return string(text), peak
}

// large writes a storage with n keys, half of them users', and items of a kilobyte.
func large(t *testing.T, keys, items int) string {
	t.Helper()
	from := madeUp(t, map[string]string{"posts.model.php": model("posts", "collection")}, systemTables, tableOf("collections_posts"))
	random := rand.New(rand.NewPCG(1, 2))
	token := func() string {
		return fmt.Sprintf("%016x%016x%08x", random.Uint64(), random.Uint64(), random.Uint32())
	}
	fill := func(file string, insert func(exec func(table, document string))) {
		db := writable(t, filepath.Join(from, "data", file))
		defer db.Close()
		tx, err := db.Begin()
		require.NoError(t, err)
		insert(func(table, document string) {
			_, err := tx.Exec(`INSERT INTO `+table+` (document) VALUES ($1)`, document)
			require.NoError(t, err)
		})
		require.NoError(t, tx.Commit())
	}
	fill("system.sqlite", func(exec func(table, document string)) {
		exec("roles", `{"_id":"role","appid":"reader","name":"Reader","permissions":{"content\/posts\/read":true}}`)
		for i := range keys / 2 {
			exec("users", fmt.Sprintf(`{"_id":"%024x","user":"user%d","name":"User","role":"reader","active":true,"apiKey":"USR-%s"}`, i, i, token()))
			exec("api_keys", fmt.Sprintf(`{"_id":"%024x","name":"key %d","role":"reader","key":"API-%s"}`, 1<<40+i, i, token()))
		}
	})
	body := strings.Repeat("Lorem ipsum dolor sit amet. ", 36)
	fill("content.sqlite", func(exec func(table, document string)) {
		for i := range items {
			exec("collections_posts", fmt.Sprintf(`{"_id":"%024x","_state":1,"title":"Post %d","body":"%s","_created":1795459771}`, i, i, body))
		}
	})
	return from
}

// Large items do not add up in memory: 200 of a mebibyte each are more than fits.
func TestLargeItems(t *testing.T) {
	if os.Getenv("LATCHKEY_LONG") != "1" {
		t.Skip("writes 400 MiB to the disk: LATCHKEY_LONG=1 runs it")
	}
	from := madeUp(t, map[string]string{"posts.model.php": model("posts", "collection")}, systemTables, tableOf("collections_posts"))
	db := writable(t, filepath.Join(from, "data", "content.sqlite"))
	body := strings.Repeat("0123456789abcdef", 1<<16)
	for i := range 200 {
		_, err := db.Exec(`INSERT INTO collections_posts (document) VALUES ($1)`, fmt.Sprintf(`{"_id":"%024x","_state":1,"body":"%s"}`, i, body))
		require.NoError(t, err)
	}
	require.NoError(t, db.Close())
	out, peak := runBuilt(t, build(t), "-from", from, "-db", filepath.Join(t.TempDir(), "cms.db"))
	require.Contains(t, out, "model posts: new, 200 new items\n")
	require.Less(t, peak, 256)
	t.Logf("at most %d MiB", peak)
}
