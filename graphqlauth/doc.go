// Package graphqlauth is an authorization layer for gqlgen servers.
//
// The schema says who may ask for what, with @can, @authenticated, @requiresScopes and @public (see [SDL]), and one
// [Extension] enforces it: it walks each operation once before anything runs. A gqlgen directive by itself protects
// nothing where a guarded type is reached through a union or an interface, where the directive sits on an
// interface's field, or on a root type; the extension does. [Handler] goes around the server: it finds out who asks,
// and gives rejected operations their status.
//
//	graphqlauth.Secure(srv)
//	srv.Use(graphqlauth.New(guard))
//	http.Handle("/graphql", graphqlauth.Handler(guard, srv))
//
// # Rules
//
// A field is reached if all rules on its way hold: those on the field, on the same field of the interfaces that its
// type implements, on its type and on that type's interfaces, and on the type that it returns. A rule on a type
// therefore holds however the type is reached. A rule on an argument or on a field of an input object, or on the type
// of either, holds if the caller wrote it, in the query or in a variable: null is written, what is left out is not,
// and neither is a default of the schema's. Nothing overrides a rule. __typename is free.
//
// A root field without a rule of its own (on the field, its interfaces or its type; a rule on what it returns does
// not count) needs a good key, unless it is @public; see [WithInsecureDefault]. The fields __schema, __type and, of
// federation, _service have the rule of [WithIntrospection].
//
// # Partial and Reject
//
// In [ModePartial] mode, which queries have, a denied field is null and there is one error for its coordinate, however
// many objects have it; an operation of which every root field is denied is refused as a whole. In [ModeReject] mode,
// which mutations and subscriptions have, one denied field refuses the operation, and nothing runs. Where it depends
// on the object what a selection on an interface needs, Partial decides for each object, and Reject wants the rules
// of all types that could come.
//
// # Promises
//
// Whatever the extension cannot place is denied: an operation that it did not walk, a field that the schema did not
// have at start, an argument that fills a permission and is missing, null or no single segment. While no policy can
// be vouched for, nothing that needs a permission is decided: the operation is refused with UNAVAILABLE. Mistakes in
// rules stop the program at srv.Use, all of them told at once.
//
// Checking an operation of which nothing is denied allocates nothing and costs nothing for each field as it runs.
package graphqlauth
