// Package sqlstore keeps keys, roles, the public API setting and the audit log in SQLite or PostgreSQL, over
// database/sql.
//
// It imports no driver: the host opens its database with the one it likes, calls [Migrate] once at start, then
// [Open], and closes the database itself. What it was tested with are modernc.org/sqlite and pgx's stdlib. A driver
// has to take several statements in one Exec without arguments, as these two and most others do.
//
//	db, err := sql.Open("sqlite", "file:keys.db?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
//	err = sqlstore.Migrate(ctx, db, sqlstore.SQLite)
//	store, err := sqlstore.Open(ctx, db, sqlstore.SQLite)
//	ring, err := keys.Open(keys.Config{Store: store.Keys(), LastUsed: store.Keys(), Feed: store.Keys()})
//	directory, err := roles.Open(ctx, roles.Config{Store: store.Roles()})
//	public, err := publicapi.New(publicapi.Config{Store: store.PublicAPI(), Directory: directory, Staleness: 5 * time.Second})
//	stop := store.Follow(users.Clear, directory.Reload, public.Reload)
//	service, err := admin.New(admin.Config{Audit: store.Audit(), InTx: store.InTx, Keys: ring, ...})
//
// # Durable
//
// A change is on disk when the call that made it returns nil. Open therefore refuses a database that answers
// before it has written: SQLite with synchronous below FULL or a journal_mode without a journal on disk, and
// PostgreSQL with synchronous_commit off, unless [AllowSynchronous] or [AllowJournal] names the setting. In SQLite,
// synchronous belongs to a connection, and Open sees one of them: set it in the DSN, where it holds for all. With many
// keys, set mmap_size there too: among a million, a look-up takes a third of the time with it.
//
// # The revision
//
// Every change of a key, a role or the setting goes to a log in the database, in the same transaction; last-used
// times and audit records do not. The highest number in the log is the revision; each row has a random tag beside it, so
// that nodes notice a database that was restored or lost changes in a failover. Triggers see to that, so a statement
// that an operator types is noticed by all nodes as well:
//
//	UPDATE latchkey_keys SET invalidated_at = 1767225600000000 WHERE user_id = 'ada'; -- microseconds, UTC
//
// Whoever makes a change holds one lock until commit, so changes are seen in the order of their revisions, and those
// who write wait for one another. For what has waited to see what it waited for, Open refuses PostgreSQL with a
// default_transaction_isolation above read committed. PostgreSQL also tells it to listeners, on the channel named by
// the prefix and "changes", with the revision as payload. [Store.Touch] moves the revision for tables of the host's
// own. The log keeps the last 10,000 revisions or so; a node that was away for longer forgets all that it has cached.
//
// # Writers
//
// SQLite lets one connection write at a time, and refuses the others after its busy_timeout. Writers over one [sql.DB]
// therefore queue: those of all its stores, [Migrate], and what hosts write through [Store.Executor] or in [Store.InTx].
// They are served in the order in which they came, and a wait ends when its context is done, or after a minute. What a
// host writes over the sql.DB itself does not queue, and neither does another process: busy_timeout is for these.
//
// # Rows that make no sense
//
// What is read is checked: a digest of another length or algorithm, a NULL where none may be, JSON that is none, a
// digest that was not asked for. Such a row is an error that says which row it is and is no verdict on a key, so a
// request that meets it gets 503. No error text holds a digest.
package sqlstore
