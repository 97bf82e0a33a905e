package mutants

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// root is the root of the repository.
const root = "../../.."

// elsewhere names packages whose tests count as another package's own.
var elsewhere = map[string][]string{"auth/sqlstore": {"./examples/internal/engines"}}

// target is the package under test, with what a type check needs.
type target struct {
	name   string
	fset   *token.FileSet
	files  []*file
	config types.Config
}

type file struct {
	path   string
	src    []byte
	parsed *ast.File
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// load reads the files of a package but its tests.
func load(name string) *target {
	list := exec.Command("go", "list", "-export", "-deps", "-f",
		"{{.ImportPath}}\t{{.Export}}\t{{.Dir}}\t{{join .GoFiles \" \"}}", "./"+name)
	list.Dir = root
	exports := map[string]string{}
	var fields []string
	for line := range strings.Lines(string(must(list.Output()))) {
		fields = strings.Split(strings.TrimSpace(line), "\t")
		exports[fields[0]] = fields[1]
	}
	p := &target{name: name, fset: token.NewFileSet()}
	p.config.Importer = importer.ForCompiler(p.fset, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})
	for _, name := range strings.Fields(fields[3]) { // the last line is the package itself
		path := filepath.Join(fields[2], name)
		src := must(os.ReadFile(path))
		parsed := must(parser.ParseFile(p.fset, path, src, parser.SkipObjectResolution))
		p.files = append(p.files, &file{path, src, parsed})
	}
	return p
}

// check checks the types of the package after the change m. The zero mutant changes nothing.
func (p *target) check(m mutant, info *types.Info) error {
	var all []*ast.File
	for _, f := range p.files {
		parsed := f.parsed
		if f == m.file {
			var err error
			if parsed, err = parser.ParseFile(p.fset, f.path, m.mutated(), parser.SkipObjectResolution); err != nil {
				return err
			}
		}
		all = append(all, parsed)
	}
	_, err := p.config.Check(p.name, p.fset, all, info)
	return err
}

// candidates lists the mutants in the order of the source. Some don't compile.
func (p *target) candidates() []mutant {
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
	must(0, p.check(mutant{}, info))
	var out []mutant
	for _, f := range p.files {
		l := &lister{file: f, fset: p.fset, info: info}
		ast.Inspect(f.parsed, l.list)
		out = append(out, l.out...)
	}
	return out
}

// mutated returns the changed file.
func (m mutant) mutated() []byte {
	return []byte(string(m.src[:m.start]) + m.text + string(m.src[m.end:]))
}

func (m mutant) line() int { return strings.Count(string(m.src[:m.start]), "\n") + 1 }

// diff shows the changed lines, at most five before and after.
func (m mutant) diff() string {
	n := strings.Count(string(m.src[m.start:m.end]), "\n") + 1
	var b strings.Builder
	for _, side := range [][2]string{{"-", string(m.src)}, {"+", string(m.mutated())}} {
		for i, line := range strings.Split(side[1], "\n")[m.line()-1:][:n] {
			if i < 5 && strings.TrimSpace(line) != "" {
				fmt.Fprintf(&b, "\n        %s %s", side[0], strings.TrimSpace(line))
			}
		}
	}
	return b.String()
}

var failure = regexp.MustCompile(`--- FAIL: \S+|panic: .*|fatal error: .*|\[build failed\]`)

// test runs the package's own tests over m. It returns their first failure, or "".
func (p *target) test(t *testing.T, m mutant, timeout string) string {
	changed, overlay := filepath.Join(t.TempDir(), "mutant.go"), filepath.Join(t.TempDir(), "overlay.json")
	must(0, os.WriteFile(changed, m.mutated(), 0o600))
	replace := map[string]map[string]string{"Replace": {m.path: changed}}
	must(0, os.WriteFile(overlay, must(json.Marshal(replace)), 0o600))
	for _, tests := range append([]string{"./" + p.name}, elsewhere[p.name]...) {
		run := exec.Command("go", "test", "-short", "-count", "1", "-failfast", "-vet", "off", "-ldflags", "-s -w",
			"-timeout", timeout, "-overlay", overlay, tests)
		run.Dir = root
		run.Env = append(run.Environ(), "LATCHKEY_LONG=") // the long forms of the tests take minutes
		if out, err := run.CombinedOutput(); err != nil {
			return fmt.Sprintf("%s: %v: %s", tests, err, failure.Find(out))
		}
	}
	return ""
}
