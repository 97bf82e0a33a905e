// Command sdl prints the directives of package graphqlauth, for a file next to a project's own schema:
//
//	go run github.com/latchkey-go/latchkey/graphqlauth/cmd/sdl > graph/auth.graphqls
//
// With -federation it leaves out those that federation 2 declares by itself.
package main

import (
	_ "embed"
	"flag"
	"fmt"

	"github.com/latchkey-go/latchkey/graphqlauth"
)

// federationSDL is SDL for a subgraph of federation 2, which declares @authenticated and @requiresScopes itself. The
// extension enforces them there too.
//
//go:embed federation.graphqls
var federationSDL string

func main() {
	federation := flag.Bool("federation", false, "leave out what federation 2 declares by itself")
	flag.Parse()
	if *federation {
		fmt.Print(federationSDL)
		return
	}
	fmt.Print(graphqlauth.SDL)
}
