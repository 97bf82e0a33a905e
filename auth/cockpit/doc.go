// Package cockpit is for who comes from Cockpit CMS: it brings a live installation's roles, keys and public API over,
// and lets its clients go on as if nothing had happened.
//
// # Moving
//
// [ReadSQL] reads the database of Cockpit 2, [ReadJSON] the same documents as JSON, [ReadV1] the databases of
// Cockpit 1. [Plan] says what [Import] would do, and Import does it and says the same:
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
// Whoever had a key goes on using it. Each key becomes a digest at once, is marked legacy, and is found by the _id that
// it has in Cockpit: see ForeignID in [keys.Filter]. Times of creation are kept.
//
// Nothing is guessed. What cannot be taken as it is, is refused or left out, stands in the report with its reason, and
// the rest goes on. A role is taken only with permissions that are exactly true, and a key or user whose role has no
// document in Cockpit comes without a role. A weak key, by the estimate of package keys (less than 112 bits), is taken
// only under a pepper and if [Into.AllowWeak] says so; refresh it soon.
//
// # Again
//
// A second import changes nothing and writes nothing. What is different by now, here or in Cockpit, is reported and left
// alone, unless [Into.Overwrite] is set. So it is in a first import: where there is a role of the same name already, the
// keys and users that come have its rights. If those are more than in Cockpit, the report warns, and the role is not
// given to the public API.
//
// The value of a key is never touched: one that was refreshed or ended here stays so. A key that was refreshed in Cockpit
// after the first import is not taken again, but named in the report: if the old text leaked, refresh the key here, too.
// What was removed in Cockpit since is not looked for.
//
// A role, user or key that was removed here altogether has left nothing in the stores to be known by. It is told by the
// records that an earlier import left in [Into.Audit], and then it does not come back; roles and users do with
// Overwrite, keys never. Without a log that can be listed, of which the report warns, or once the log has dropped those
// records, it cannot be told, and the text of a removed key comes back to life. Until the last import is done, end keys
// and leave their records in place.
//
// # Promises
//
// No text of a key and no digest is written, logged or returned, or stands in an error or in a report. A name or another
// text for people that holds the text of a key is replaced by the ID; a document whose appid or _id holds
// one is refused, and a permission that does is left out. Texts shorter than eight bytes may stand anywhere by chance:
// they are kept out of the key's own name alone.
//
// # Looking like Cockpit
//
// [Configure] and [CORS] make a guard answer as Cockpit does, and [Catalog] lists Cockpit's permissions.
package cockpit
