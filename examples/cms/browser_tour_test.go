package main

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// A tourist follows the README's five minutes in a browser. It presses and types the words that stand *like this*
// there: a word that is not next in the README fails the test, and so does an unused one.
type tourist struct {
	*tab
	r     *running
	words []string          // of the README, not used yet
	steps []string          // the README's text of each step
	keys  map[string]string // the latest copied key, by its prefix
}

var (
	emphasised = regexp.MustCompile(`(?:^|[^*])\*([^*\n]+)\*`)
	curlLine   = regexp.MustCompile(`curl -i http://127\.0\.0\.1:8080(\S+)(?: -d '([^']+)')?(?: -H 'api-key: (\w+-)…')? *# (\d+)`)
)

func newTourist(t *testing.T, r *running) *tourist {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	_, tour, ok := strings.Cut(string(readme), "\n1. **Sign in.**")
	require.True(t, ok)
	tour, _, ok = strings.Cut(tour, "\n## ")
	require.True(t, ok)
	w := &tourist{tab: newTab(t, r), r: r, steps: regexp.MustCompile(`\n\d\. \*\*`).Split(tour, -1), keys: map[string]string{}}
	for _, match := range emphasised.FindAllStringSubmatch(strings.ReplaceAll(tour, "**", ""), -1) {
		w.words = append(w.words, match[1])
	}
	return w
}

// word takes the next word of the README, which must be this one.
func (w *tourist) word(text string) string {
	w.Helper()
	require.NotEmpty(w, w.words, "the README says nothing more, and %q is next", text)
	require.Equal(w, text, w.words[0], "the README's next word")
	w.words = w.words[1:]
	return text
}

// follow presses the words, one after the other.
func (w *tourist) follow(words ...string) {
	w.Helper()
	for _, text := range words {
		w.press(w.word(text))
	}
}

// see looks for a word of the README on the page.
func (w *tourist) see(words ...string) {
	w.Helper()
	for _, text := range words {
		require.Contains(w, w.text(), w.word(text))
	}
}

// copy copies the key on the page.
func (w *tourist) copy() (key string) {
	w.Helper()
	key = w.copied()
	w.keys[key[:4]] = key
	return key
}

// curl runs the lines of a step, each of which says its expected answer.
func (w *tourist) curl(step int) {
	w.Helper()
	lines := curlLine.FindAllStringSubmatch(w.steps[step-1], -1)
	require.Len(w, lines, strings.Count(w.steps[step-1], "curl "), "lines of step %d that are understood", step)
	require.NotEmpty(w, lines)
	for _, line := range lines {
		method := "GET"
		if line[2] != "" {
			method = "POST"
		}
		want, err := strconv.Atoi(line[4])
		require.NoError(w, err)
		require.Equal(w, want, w.r.status(w.T, method, line[1], w.keys[line[3]], line[2]), "step %d: %s", step, line[0])
	}
}

func TestTheREADMEsTour(t *testing.T) {
	t.Parallel()
	r := start(t, config{addr: "127.0.0.1:0", db: t.TempDir() + "/cms.db"})
	w := newTourist(t, r)
	require.Len(t, w.steps, 6)

	w.Open("/")
	w.signIn(r.password(t))
	w.see("Pages", "Posts")

	w.follow("My key", "Create API key")
	first := w.copy()
	w.curl(2)
	w.follow("My key")
	require.NotContains(t, w.text(), first)
	w.find("an unfolding Refresh…", `return [...document.querySelectorAll("summary")].find((e) => said(e) === `+quoted(w.word("Refresh…"))+`)`)
	require.Contains(t, w.text(), "is refused", "it says what will break")
	w.follow("Refresh now")
	w.copy()
	w.curl(2)
	require.Equal(t, 401, r.status(t, "GET", posts, first))

	w.follow("Keys", "New API key")
	w.fill("Name", w.word("Website build"))
	w.choose("Role", "reader")
	w.follow("Create API key")
	w.copy()
	w.curl(3)

	w.follow("Content", "New model")
	w.fill("Name", "recipes")
	w.follow("Create model", "recipes", "New item")
	w.fill("title", w.word("Bread"))
	w.follow("Save and publish")
	w.curl(4)

	w.follow("Roles", "New role")
	w.fill("Appid", "world")
	w.fill("Name", "world")
	w.find("a permission", `const label = [...document.querySelectorAll(".perm")].find((e) => plain(e.textContent).includes(`+quoted(w.word("Read recipes"))+`));
		return label && label.querySelector('input[value="allow"]')`)
	w.Do(chromedp.Click(chromedp.CSS(marked)))
	w.follow("Create role", "Public API")
	w.choose("Role for callers without a key", "world")
	w.follow("Show what it opens")
	require.Contains(t, w.text(), "Read recipes")
	w.follow("Change to world")
	w.curl(5)

	w.follow("Public API", "Close")
	w.curl(6)
	w.follow("Audit log")
	for _, done := range []string{"made an API key", "made a role", "opened the public API", "closed the public API"} {
		require.Contains(t, w.text(), done)
	}
	require.Empty(t, w.words, "what the README says besides")
}
