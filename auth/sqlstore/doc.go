// Package sqlstore keeps keys, roles, the public API setting and the audit log in SQLite or PostgreSQL, over
// database/sql.
//
// It imports no driver: the host opens its database with a driver of its choice, calls [Migrate] once at start, then
// [Open], and closes the database itself. It is tested with modernc.org/sqlite and pgx's stdlib. A driver must accept
// several statements in one Exec without arguments, as these two and most others do.
//
//	db, err := sql.Open("sqlite", "file:keys.db?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
//	err = sqlstore.Migrate(ctx, db, sqlstore.SQLite)
//	store, err := sqlstore.Open(ctx, db, sqlstore.SQLite)
//	ring, err := keys.Open(keys.Config{Store: store.Keys(), LastUsed: store.Keys(), Feed: store.Keys()})
//	directory, err := roles.Open(ctx, roles.Config{Store: store.Roles()})
//	public, err := publicapi.New(publicapi.Config{Store: store.PublicAPI(), Directory: directory, Staleness: 5 * time.Second})
//	stop := store.Follow(func() { users.Forget() }, directory.Reload, public.Reload)
//	service, err := admin.New(admin.Config{Audit: store.Audit(), InTx: store.InTx, Keys: ring, ...})
//
// # Durable
//
// A change is on disk when the call that made it returns nil. Open therefore refuses a database that answers before
// it has written: SQLite with synchronous below FULL or a journal_mode without a journal on disk, and PostgreSQL with
// synchronous_commit off, unless [AllowSynchronous] or [AllowJournal] names the setting. In SQLite, synchronous
// belongs to a connection, and Open sees only one of them: set it in the DSN, where it holds for all. With many keys,
// set mmap_size there too: among a million, it makes a look-up three times as fast.
//
// # The revision
//
// Every change of a key, a role or the setting adds a row to a log in the database, in the same transaction; last-used
// times and audit records do not. The highest number in the log is the revision. A random tag beside it lets nodes notice a
// database that was restored, or lost changes in a failover. Triggers write the log, so all nodes also notice a statement
// that an operator types:
//
//	UPDATE latchkey_keys SET invalidated_at = 1767225600000000 WHERE user_id = 'ada'; -- microseconds, UTC
//
// Each writer holds one lock until commit, so changes become visible in the order of their revisions, and writers
// wait for one another. A writer must see the change that it waited for, so Open refuses PostgreSQL with a
// default_transaction_isolation above read committed. PostgreSQL also notifies listeners on the channel named by the
// prefix and "changes", with the revision as payload. [Store.Touch] moves the revision for the host's own tables. The
// log keeps about the last 10,000 revisions; a node that was away for longer drops its whole cache.
//
// # Writers
//
// SQLite lets one connection write at a time, and refuses the others after its busy_timeout. Writers over one
// [sql.DB] therefore queue: those of all its stores, [Migrate], and the host's writes through [Store.Executor] or in
// [Store.InTx]. They are served in the order in which they came, and a wait ends when its context is done, or after a
// minute. The host's writes over the sql.DB itself do not queue, and neither do other processes: busy_timeout is for
// these.
//
// # Corrupt rows
//
// Every row that is read is checked: a digest of another length or algorithm, a NULL where none is allowed, malformed
// JSON, a digest that was not requested. Such a row is an error that names the row and is not a verdict on a key, so
// the request gets 503. No error text holds a digest.
package sqlstore
