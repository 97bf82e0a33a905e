package mutants

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// mutant is one change: text replaces the file's bytes from start to end.
type mutant struct {
	*file
	start, end int
	text, kind string
}

// operators are the replacements of an operator.
var operators = map[token.Token][]string{
	token.EQL: {"!="}, token.NEQ: {"=="}, token.LAND: {"||"}, token.LOR: {"&&"},
	token.LSS: {"<=", ">="}, token.GEQ: {">", "<"}, token.GTR: {">=", "<="}, token.LEQ: {"<", ">"},
	token.ADD: {"-"}, token.SUB: {"+"}, token.MUL: {"/"}, token.QUO: {"*"},
	token.AND: {"|"}, token.OR: {"&"}, token.SHL: {">>"}, token.SHR: {"<<"},
}

// lister collects the candidates of one file.
type lister struct {
	*file
	fset *token.FileSet
	info *types.Info
	out  []mutant
}

func (l *lister) at(p token.Pos) int { return l.fset.Position(p).Offset }

func (l *lister) source(n ast.Node) string { return string(l.src[l.at(n.Pos()):l.at(n.End())]) }

func (l *lister) replace(kind string, from, to token.Pos, text string) {
	l.out = append(l.out, mutant{l.file, l.at(from), l.at(to), text, kind})
}

// remove keeps the line breaks, so that line numbers stay.
func (l *lister) remove(kind string, n ast.Node) {
	l.replace(kind, n.Pos(), n.End(), strings.Repeat("\n", strings.Count(l.source(n), "\n")))
}

// list adds the candidates at n, without those below.
func (l *lister) list(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.ImportSpec:
		return false
	case *ast.ExprStmt, *ast.IncDecStmt, *ast.DeferStmt, *ast.GoStmt, *ast.SendStmt, *ast.BranchStmt:
		l.remove("statement removed", n)
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			l.remove("assignment removed", n)
		}
	case *ast.CaseClause:
		if n.List != nil {
			l.remove("case removed", n)
		}
	case *ast.CommClause:
		l.remove("case removed", n)
	case *ast.ReturnStmt:
		l.noError(n)
	case *ast.IfStmt:
		l.replace("condition never true", n.Cond.Pos(), n.Cond.End(), "false && ("+l.source(n.Cond)+")")
		l.replace("condition negated", n.Cond.Pos(), n.Cond.End(), "!("+l.source(n.Cond)+")")
	case ast.Expr:
		l.expression(n)
	}
	return true
}

// noError returns nil in place of an error.
func (l *lister) noError(s *ast.ReturnStmt) {
	for _, last := range s.Results[max(0, len(s.Results)-1):] {
		is := types.AssignableTo(l.info.TypeOf(last), types.Universe.Lookup("error").Type())
		if is && l.source(last) != "nil" {
			l.replace("nil for the error", last.Pos(), last.End(), "nil")
		}
	}
}

func (l *lister) expression(e ast.Expr) {
	switch e := e.(type) {
	case *ast.BinaryExpr:
		for _, op := range operators[e.Op] {
			l.replace(e.Op.String()+" to "+op, e.OpPos, e.OpPos+token.Pos(len(e.Op.String())), op)
		}
	case *ast.BasicLit:
		if e.Kind == token.INT {
			l.replace("constant plus one", e.Pos(), e.End(), "("+e.Value+" + 1)")
		}
	case *ast.Ident:
		if other := map[string]string{"true": "false", "false": "true"}[e.Name]; other != "" {
			l.replace("constant negated", e.Pos(), e.End(), other)
		}
	case *ast.CallExpr:
		for i := range len(e.Args) - 1 {
			a, b := e.Args[i], e.Args[i+1]
			ta, tb := l.info.TypeOf(a), l.info.TypeOf(b)
			if ta != nil && tb != nil && types.Identical(ta, tb) && l.source(a) != l.source(b) {
				l.replace("arguments swapped", a.Pos(), b.End(), l.source(b)+string(l.src[l.at(a.End()):l.at(b.Pos())])+l.source(a))
			}
		}
	}
}
