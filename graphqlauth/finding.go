package graphqlauth

import (
	"errors"
	"fmt"
	"strings"
)

// A Finding is something about a schema's rules that somebody should look at.
type Finding struct {
	Code       string // stable, such as "template"
	Coordinate string // where: Query.posts, Query.posts(first:), NewPost.draft, or a type; "" is the schema
	Text       string // what is wrong, as a sentence
	Mistake    bool   // the rules cannot mean what they say: the extension refuses to start
}

// String is the finding on one line.
func (f Finding) String() string {
	if f.Coordinate == "" {
		return fmt.Sprintf("%s [%s]", f.Text, f.Code)
	}
	return fmt.Sprintf("%s: %s [%s]", f.Coordinate, f.Text, f.Code)
}

// mistakes is the error that lists all mistakes among findings, or nil.
func mistakes(findings []Finding) error {
	var lines []string
	for _, f := range findings {
		if f.Mistake {
			lines = append(lines, f.String())
		}
	}
	if lines == nil {
		return nil
	}
	return errors.New("graphqlauth: the rules in the schema have mistakes:\n\t" + strings.Join(lines, "\n\t"))
}
