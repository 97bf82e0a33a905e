// Package cockpit moves an installation of Cockpit CMS to this library: it imports the roles, keys and public API, and
// lets the clients go on unchanged.
//
// # Moving
//
// [ReadSQL] reads the database of Cockpit 2, [ReadJSON] the same documents as JSON, [ReadV1] the databases of
// Cockpit 1. [Plan] reports what [Import] would do, and Import does it and returns the same report:
//
//	source, err := cockpit.ReadSQL(ctx, db) // storage/data/system.sqlite, with any driver for SQLite
//	into := cockpit.Into{
//		Keys: ring, // has ImportedKeys in its keys.Config, as every ring over these keys needs
//		Roles: store.Roles(), Public: store.PublicAPI(), Audit: store.Audit(), InTx: store.InTx,
//		Catalog: catalog, // which tells whether the public role only reads
//		Users:   users,   // your table of users: a user's key is refused where its owner is not known
//	}
//	report, err := cockpit.Plan(ctx, source, into)
//	fmt.Print(report) // what is new, changed, unchanged, refused, and why
//	report, err = cockpit.Import(ctx, source, into)
//	err = directory.Reload(ctx) // or wait until it follows by itself
//
// Clients go on using their keys. Each key is stored as a digest, is marked legacy, keeps its time of creation, and is
// found by its _id in Cockpit: see ForeignID in [keys.Filter].
//
// Nothing is guessed. A document or field that cannot be imported unchanged is refused or left out, with its reason in
// the report, and the import of the rest goes on. A role is taken only with permissions that are exactly true, and a key
// or user whose role has no document in Cockpit comes without a role. A weak key, by the estimate of package keys (less
// than 112 bits), is taken only under a pepper and if [Into.AllowWeak] says so; refresh it soon.
//
// # Again
//
// A second import writes nothing. Differences that have arisen since, here or in Cockpit, are reported and not changed,
// unless [Into.Overwrite] is set. The same holds in a first import: if a role of the same name exists already, the
// imported keys and users have its rights. If those are more than in Cockpit, the report warns, and the role does not
// become the public role.
//
// An import never changes the value of an existing key: one that was refreshed or ended here stays so. A key that was
// refreshed in Cockpit after the first import is not imported again, but named in the report: if the old text leaked,
// refresh the key here, too. Removals in Cockpit are not noticed.
//
// A role, user or key that was removed here has no record in the stores. The records that an earlier import left in
// [Into.Audit] identify it, and then it is not imported again; with Overwrite roles and users are, keys never. Without a
// log that can be listed, of which the report warns, or once the log has dropped those records, it cannot be identified,
// and a removed key becomes valid again. Until the last import is done, invalidate keys and keep their records.
//
// # Promises
//
// No text of a key and no digest is written, logged or returned, or appears in an error or a report. A name or another
// text for people that contains the text of a key is replaced by the ID; a document whose appid or _id contains one is
// refused, and such a permission is left out. Texts shorter than eight bytes may occur anywhere by chance: they are
// removed only from the key's own name.
//
// # Looking like Cockpit
//
// [Configure] and [CORS] make a guard answer as Cockpit does, and [Catalog] lists Cockpit's permissions.
package cockpit
