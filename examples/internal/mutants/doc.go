// Package mutants tests the tests: it changes one place of a package, runs the package's own tests, and reports the
// changes that no test notices.
//
// The changes are: another operator, a condition negated or never true, an integer plus one, true for false, nil for an
// error, arguments of one type swapped, a statement, assignment or case removed. A seed draws a sample of those that
// compile. Files stay unchanged: the go command reads the mutant from an overlay. The timeout kills a mutant that hangs.
//
//	LATCHKEY_LONG=1 go test -v -timeout 0 -run Mutants ./examples/internal/mutants -args -package keys,roles -seed 1 -n 60
//
// A package is a path below the root of the repository. A mutant can allocate without end, so set a limit (ulimit -v
// 8000000). A survivor is either equivalent, or a test is missing: only a reader can tell.
package mutants
