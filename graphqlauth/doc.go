// Package graphqlauth is an authorization layer for gqlgen servers.
//
// The schema states what a caller needs to reach each field, with @can, @authenticated, @requiresScopes and @public
// (see [SDL]), and one [Extension] enforces it: it walks each operation once before the operation runs. gqlgen alone
// does not run a directive if a guarded type is reached through a union or an interface, if the directive is on an
// interface's field, or if it is on a root type; the extension enforces it there too. [Handler] wraps the server: it
// authenticates the caller and gives refused operations their status.
//
//	graphqlauth.Secure(srv)
//	srv.Use(graphqlauth.New(guard))
//	http.Handle("/graphql", graphqlauth.Handler(guard, srv))
//
// # Rules
//
// A field is reached if all rules that apply to it hold: those on the field, on the same field of the interfaces that
// its type implements, on its type and on that type's interfaces, and on the type that it returns. A rule on a type
// therefore holds on every path to the type. A rule on an argument or on a field of an input object, or on the type of
// either, applies if the caller wrote it, in the query or in a variable: an explicit null is written; an absent value
// and a default of the schema are not. Nothing overrides a rule. __typename needs nothing.
//
// The directives of [SDL] can stand on object types, interfaces, fields, arguments and fields of input objects, not on
// an input object: gqlgen calls no hook on a type for a directive that can stand there, too. A directive of the host
// with a meaning, see [WithDirective], can stand on every type.
//
// A root field without a rule of its own (on the field, its interfaces or its type; a rule on the type that it returns
// does not count) needs a valid key, unless it is @public; see [WithInsecureDefault]. The fields __schema, __type and,
// in federation, _service have the rule of [WithIntrospection].
//
// # Partial and Reject
//
// In [ModePartial] mode, the default for queries, a denied field is null and there is one error for its coordinate
// and the missing permission, for any number of objects; an operation whose root fields are all denied is refused as a whole. In [ModeReject]
// mode, the default for mutations and subscriptions, one denied field refuses the operation, and nothing runs. If the
// requirement of a selection on an interface depends on the object, Partial decides for each object, and Reject
// applies the rules of all possible types.
//
// # Promises
//
// The extension denies everything that it cannot place: an operation that it did not walk, a field that was not in the
// schema at start, an argument of a permission that is missing, null or not one segment. While the guard has no
// policy, no permission is decided: the operation is refused with UNAVAILABLE. Mistakes in rules stop the program at
// srv.Use, which reports all of them.
//
// Checking an operation of which nothing is denied allocates nothing, behind [Handler] and for the first operation of a
// request. Fields that no hook is on cost nothing more as they run.
package graphqlauth
