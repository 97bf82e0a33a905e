package readme

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// timeouts are the fields of http.Server that bound how long a client may hold a connection without sending.
var timeouts = []string{"ReadHeaderTimeout", "ReadTimeout", "IdleTimeout"}

// Every server in the code and in the documents sets the timeouts.
func TestEveryServerSetsItsTimeouts(t *testing.T) {
	servers, all := 0, []string{}
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		var sources []string
		switch filepath.Ext(path) {
		case ".go":
			sources = []string{read(t, path)}
		case ".md":
			sources = blocks(read(t, path))
		}
		for _, source := range sources {
			found, problems := serversIn(t, path, source)
			servers += found
			all = append(all, problems...)
		}
		return nil
	}))
	require.Empty(t, all)
	require.GreaterOrEqual(t, servers, 7, "five examples and two of README's programs")
}

// The check above finds each way to make a server that waits for ever.
func TestServersWithoutTimeoutsAreFound(t *testing.T) {
	const all = "ReadHeaderTimeout: time.Second, ReadTimeout: time.Second, IdleTimeout: time.Second"
	for source, want := range map[string]int{
		`http.ListenAndServe(":80", nil)`:                                        1,
		`http.ListenAndServeTLS(":80", "", "", nil)`:                             1,
		`http.Serve(l, nil)`:                                                     1,
		`http.ServeTLS(l, nil, "", "")`:                                          1,
		`s := http.Server{}`:                                                     1,
		`s := &http.Server{ReadHeaderTimeout: 5}`:                                1,
		`s := &http.Server{` + all + `, WriteTimeout: 5}`:                        0,
		`s := new(http.Server)`:                                                  1,
		`var s http.Server`:                                                      1,
		`func stop(s *http.Server) { s.Shutdown(nil) }`:                          0,
		"import web \"net/http\"\nvar s = &web.Server{}":                         1,
		"import . \"net/http\"\nvar s = &Server{}":                               1,
		`s := &http.Server{` + strings.ReplaceAll(all, "time.Second", "0") + `}`: 1,
	} {
		_, problems := serversIn(t, "source", source)
		require.Len(t, problems, want, source)
	}
}

func read(t *testing.T, path string) string {
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

// blocks returns the blocks of Go code in a document, each on its original lines.
func blocks(document string) (sources []string) {
	for _, at := range regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatchIndex(document, -1) {
		lines := strings.Count(document[:at[2]], "\n")
		sources = append(sources, strings.Repeat("\n", lines)+document[at[2]:at[3]])
	}
	return sources
}

// parsed returns the syntax of a file, or of a part of one: declarations, or statements.
func parsed(t *testing.T, path, source string) (*token.FileSet, *ast.File) {
	var problem error
	for _, around := range []string{"%", "package p; %", "package p; func _() { %\n}"} {
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, strings.Replace(around, "%", source, 1), parser.SkipObjectResolution)
		if err == nil {
			return files, file
		}
		problem = err
	}
	require.NoError(t, problem, "%s:\n%s", path, source)
	return nil, nil
}

// serversIn returns the number of servers in a source, and the positions of those without a timeout.
func serversIn(t *testing.T, path, source string) (servers int, problems []string) {
	if !strings.Contains(source, "Server") && !strings.Contains(source, "Serve") {
		return 0, nil
	}
	files, file := parsed(t, path, source)
	name := "http"
	for _, spec := range file.Imports {
		if spec.Path.Value == `"net/http"` && spec.Name != nil {
			name = spec.Name.Name
		}
	}
	isServer := func(e ast.Expr) bool { return of(e, name) == "Server" }
	bad := func(n ast.Node, what string) { problems = append(problems, files.Position(n.Pos()).String()+": "+what) }
	fine := map[ast.Node]bool{} // types in places that make no server
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			switch called := of(n.Fun, name); called {
			case "ListenAndServe", "ListenAndServeTLS", "Serve", "ServeTLS":
				bad(n, "http."+called+" has no timeouts")
			}
		case *ast.StarExpr:
			fine[n.X] = isServer(n.X)
		case *ast.CompositeLit:
			if isServer(n.Type) {
				servers++
				fine[n.Type] = true
				if missing := missingIn(n); missing != "" {
					bad(n, "a server without "+missing)
				}
			}
		case ast.Expr:
			if isServer(n) && !fine[n] {
				bad(n, "a server without timeouts")
				return false
			}
		}
		return true
	})
	return servers, problems
}

// of returns the name that an expression selects from a package, or "".
func of(e ast.Expr, pkg string) string {
	switch e := e.(type) {
	case *ast.SelectorExpr:
		if x, ok := e.X.(*ast.Ident); ok && x.Name == pkg {
			return e.Sel.Name
		}
	case *ast.Ident:
		if pkg == "." {
			return e.Name
		}
	}
	return ""
}

// missingIn returns the first timeout that a server lacks, or "". 0 counts as missing.
func missingIn(server *ast.CompositeLit) string {
	var set []string
	for _, element := range server.Elts {
		pair, ok := element.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		if zero, ok := pair.Value.(*ast.BasicLit); ok && zero.Value == "0" {
			continue
		}
		if key, ok := pair.Key.(*ast.Ident); ok {
			set = append(set, key.Name)
		}
	}
	for _, field := range timeouts {
		if !slices.Contains(set, field) {
			return field
		}
	}
	return ""
}
