// Package publicapi keeps the role of callers without a key, and reports what it opens to them.
//
// [Fixed] is a role written into the program. A [Service] keeps the choice in a [Store], so that it can be
// changed while the program runs; it is closed until it is opened. Both are an [auth.Anonymous].
//
// [Service.Set] refuses the super role and a role that does not exist. Any other role must be confirmed against its
// [Service.Preview]: with the preview's token, and with the name of each permission that changes data. A permission
// counts as changing data if the catalog does not list it as read. If the role's grants, the setting, the catalog or its
// names changed in between, the answer is a new preview. [Service.PreviewEdit] does the same for an edit of the public
// role or of a role that it inherits from; package auth/admin asks for it.
//
// A role that is deleted closes the public API; only Set opens it again.
//
// A Service asks its store for each caller without a key, or caches the setting for a bounded time: see
// [Config.Staleness]. With one, close the Service at the end.
package publicapi
