package graphqlauth

import _ "embed"

// SDL declares the directives: @can, @authenticated, @requiresScopes and @public. A project keeps a copy next to
// its own schema; cmd/sdl prints it.
//
//go:embed auth.graphqls
var SDL string

// FederationSDL is SDL for a subgraph of federation 2, which declares @authenticated and @requiresScopes by
// itself. They are enforced there all the same.
//
//go:embed federation.graphqls
var FederationSDL string
