// Command size checks the size of the library against the limits of its design. It prints each count beside its limit and
// fails if one is exceeded. A limit changes only in a commit that says why.
//
//	go run ./examples/internal/size
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A limit is one row of the table. Names are exported functions, types, variables and methods; constants, fields and the
// methods of interfaces do not count.
type limit struct {
	what  string
	count func(*tree) int
	most  int
}

var limits = []limit{
	// 24,500 in the design. What keeps GraphQL operations from walking around their rules came in before as many lines went
	// out: they have to.
	{"library, lines without comments and blanks", func(t *tree) int { return t.sum("", "examples", code) }, 24_821},
	{"exported names of keys, roles, auth, admin, graphqlauth", func(t *tree) int {
		return t.names("keys") + t.names("roles") + t.names("auth") + t.names("auth/admin") + t.names("graphqlauth")
	}, 330},
	{"internal, packages", func(t *tree) int { return len(t.folders("internal")) }, 3},
	{"internal, lines", func(t *tree) int { return t.sum("internal", "", all) }, 1_200},
	{"largest new package, lines", (*tree).largestNew, 600},
	{"auth/admin, adminapi and console, lines", func(t *tree) int { return t.sum("auth/admin", "", all) }, 6_500},
	{"examples/cms, lines", func(t *tree) int { return t.sum("examples/cms", "", all) }, 11_500},
	{"README, lines", func(*tree) int { return lines("README.md") }, 260},
}

// old lists the packages from before the limits. Any other package is new, but for internal/, which has a row of its own.
var old = []string{
	"auth", "auth/admin", "auth/admin/adminapi", "auth/admin/console", "auth/audit", "auth/audit/audittest", "auth/authtest",
	"auth/cockpit", "auth/sqlstore", "graphqlauth", "graphqlauth/cmd/sdl", "graphqlauth/graphqlauthtest", "keys", "keys/keystest", "publicapi", "publicapi/publicapitest",
	"roles", "roles/internal/automaton", "roles/rolestest",
}

func main() {
	t, err := read(".")
	if err != nil {
		fmt.Fprintln(os.Stderr, "size:", err)
		os.Exit(2)
	}
	exceeded := false
	for _, l := range limits {
		n, mark := l.count(t), ""
		if n > l.most {
			exceeded, mark = true, "  <- above the limit"
		}
		fmt.Printf("%-58s %6d of %6d%s\n", l.what, n, l.most, mark)
	}
	if exceeded {
		os.Exit(1)
	}
}

// A tree is the Go files of a checkout that count: no tests, no generated code, no schema for tests.
type tree struct{ files map[string]*ast.File }

func read(root string) (*tree, error) {
	t := &tree{map[string]*ast.File{}}
	return t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		name := entry.Name()
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != root && (name == ".git" || name == "testdata" || name == "testschema"):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err == nil && !ast.IsGenerated(file) {
			t.files[filepath.ToSlash(path)] = file
		}
		return err
	})
}

func within(file, folder string) bool { return folder == "" || strings.HasPrefix(file, folder+"/") }

func (t *tree) sum(folder, without string, count func(string) int) (n int) {
	for file := range t.files {
		if within(file, folder) && (without == "" || !within(file, without)) {
			n += count(file)
		}
	}
	return n
}

// folders returns the folders in folder that hold Go files.
func (t *tree) folders(folder string) map[string]bool {
	found := map[string]bool{}
	for file := range t.files {
		if within(file, folder) {
			found[filepath.Dir(file)] = true
		}
	}
	return found
}

// largestNew returns the lines of the largest package that is neither old nor below examples or internal.
func (t *tree) largestNew() (most int) {
	sizes := map[string]int{}
	for file := range t.files {
		folder := filepath.ToSlash(filepath.Dir(file))
		if slices.Contains(old, folder) || within(file, "examples") || within(file, "internal") {
			continue
		}
		sizes[folder] += lines(file)
		most = max(most, sizes[folder])
	}
	return most
}

// names counts the exported names of one package.
func (t *tree) names(folder string) (n int) {
	for path, file := range t.files {
		if filepath.ToSlash(filepath.Dir(path)) != folder {
			continue
		}
		for _, decl := range file.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && (d.Recv == nil || ast.IsExported(receiver(d.Recv.List[0].Type))) {
					n++
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch s := spec.(type) {
					case *ast.TypeSpec:
						if s.Name.IsExported() {
							n++
						}
					case *ast.ValueSpec:
						for _, name := range s.Names {
							if d.Tok == token.VAR && name.IsExported() {
								n++
							}
						}
					}
				}
			}
		}
	}
	return n
}

// receiver returns the name of a method's type.
func receiver(e ast.Expr) string {
	switch x := e.(type) {
	case *ast.StarExpr:
		return receiver(x.X)
	case *ast.IndexExpr:
		return receiver(x.X)
	case *ast.IndexListExpr:
		return receiver(x.X)
	case *ast.Ident:
		return x.Name
	}
	return ""
}

func all(file string) int { return lines(file) }

func lines(file string) (n int) {
	each(file, func(string) { n++ })
	return n
}

// code counts the lines that are neither blank nor a // comment.
func code(file string) (n int) {
	each(file, func(line string) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			n++
		}
	})
	return n
}

func each(file string, f func(line string)) {
	text, err := os.ReadFile(file)
	if err != nil {
		fmt.Fprintln(os.Stderr, "size:", err)
		os.Exit(2)
	}
	for scanner := bufio.NewScanner(bytes.NewReader(text)); scanner.Scan(); {
		f(scanner.Text())
	}
}
