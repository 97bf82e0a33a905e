// Command words fails if a source file contains one of 20 words that make code hard to read. It prints each place as
// file:line: word.
//
//	go run ./examples/internal/words            # Go, SQL and shell files
//	go run ./examples/internal/words -md -html  # Markdown files and pages as well
//
// Tests are read too. Generated code, testdata and this folder are not.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A fault is a group of words with the same reason to avoid them. None has an honest technical use here.
type fault struct {
	why   string
	words []string
}

var faults = []fault{
	{"names no actor: say the caller, the client, the operator, the host, another node, or no user",
		[]string{"whoever", "nobody", "somebody", "anybody"}},
	{"is a clause in place of a noun: say the credential, the cached entry, the stored value",
		[]string{"what is shown", "what is kept", "what is there"}},
	{"is a figure of speech: say current, already, recently, anyway, because, grant or return",
		[]string{"of the moment", "by now", "lately", "all the same", "for want of", "hands out"}},
	{"is a private word for a known idea: say caller, corrupt record, store error, background tasks, cache entries, negative cache",
		[]string{"asker", "nonsense", "noVerdict", "in trouble", "errands", "residents", "absences"}},
}

// gap is what may stand between the words of a phrase, which may continue on the next line of a comment.
var gap = regexp.MustCompile(`\s+(?:(?://|--|#)\s*)?`)

// listed matches the words of faults, in any case.
var listed = func() *regexp.Regexp {
	var all []string
	for _, f := range faults {
		for _, word := range f.words {
			all = append(all, strings.ReplaceAll(word, " ", gap.String()))
		}
	}
	return regexp.MustCompile(`(?i)\b(?:` + strings.Join(all, "|") + `)\b`)
}()

var generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

func main() {
	md := flag.Bool("md", false, "read Markdown files as well")
	html := flag.Bool("html", false, "read HTML files and templates as well")
	flag.Parse()
	kinds := []string{".go", ".sql", ".sh"}
	if *md {
		kinds = append(kinds, ".md")
	}
	if *html {
		kinds = append(kinds, ".html", ".gohtml", ".tmpl")
	}
	places, err := search(os.DirFS("."), kinds)
	if err != nil {
		fmt.Fprintln(os.Stderr, "words:", err)
		os.Exit(2)
	}
	for _, place := range places {
		fmt.Println(place)
	}
	if len(places) == 0 {
		return
	}
	fmt.Printf("%d places. Why to avoid these words:\n", len(places))
	for _, f := range faults {
		fmt.Printf("  %q %s\n", f.words, f.why)
	}
	os.Exit(1)
}

// search returns each place as file:line: word. It reads files with one of the given extensions, and shell scripts
// without extension.
func search(root fs.FS, kinds []string) (places []string, err error) {
	skipped := []string{".git", "examples/internal/words", "testdata", "vendor", "node_modules"}
	err = fs.WalkDir(root, ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (slices.Contains(skipped, entry.Name()) || slices.Contains(skipped, path)):
			return fs.SkipDir
		case !entry.Type().IsRegular():
			return nil
		}
		kind := filepath.Ext(path)
		if kind != "" && !slices.Contains(kinds, kind) {
			return nil
		}
		text, err := fs.ReadFile(root, path)
		if err != nil || generated.Match(text) || kind == "" && !script(text) {
			return err
		}
		for _, found := range listed.FindAllIndex(text, -1) {
			line := 1 + bytes.Count(text[:found[0]], []byte("\n"))
			places = append(places, fmt.Sprintf("%s:%d: %s", path, line, gap.ReplaceAll(text[found[0]:found[1]], []byte(" "))))
		}
		return nil
	})
	return places, err
}

// script reports whether a file without extension is a shell script.
func script(text []byte) bool {
	first, _, _ := bytes.Cut(text, []byte("\n"))
	return bytes.HasPrefix(first, []byte("#!")) && bytes.HasSuffix(bytes.TrimSpace(first), []byte("sh"))
}
