// Package publicapi holds the role of callers without a key, and reports what it opens to them.
//
// [Fixed] returns a role that is written into the program. [New] returns a [Service], whose role is stored and can be
// changed while the program runs. Both are an [auth.Anonymous], for auth.Config. Of a Service:
//
//   - [Service.Preview] reports what callers without a key could do with a role.
//   - [Service.Set] opens the public API with a role, and [Service.Disable] closes it.
//   - [Service.Current] returns the setting.
//   - [Service.PreviewEdit] reports what an edit of the roles would add. Package admin requires it to be confirmed.
//   - [Service.Close] stops the service.
//
// [Exposure] reports the same for any policy, with the routes that need no key.
//
// # Promises
//
//   - A new Service is closed. The super role, or a role that does not exist, is never public.
//   - Set opens a role only with the token of its current preview and the name of each permission that changes data. A
//     permission changes data unless the catalog lists it as read. If the role's grants, the setting, the catalog or its
//     names changed since the preview, Set returns a new preview.
//   - Deleting the public role closes the public API. Only Set opens it again.
//   - A change acts on the next request on the node that made it, and within [Config.Staleness] on the others.
//   - A store error never opens the public API.
//
// # For stores
//
// A [Store] holds one [Setting] and its [Revision]. Package publicapitest checks its promises. [MemoryStore] is the
// reference.
package publicapi
