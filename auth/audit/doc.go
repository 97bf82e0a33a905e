// Package audit keeps the record of changes: who did what, when and from where, with the object before and after.
//
// A [Record] is one change, and a [Log] is where records go. [MemoryLog] keeps the latest ones, [Slog] writes
// them to a logger, and package sqlstore has one in a database, in the transaction of the change. Package audittest says
// whether a log of your own keeps its promises.
//
// A record holds no key and no digest. The caller that makes a record must see to that: logs store it unchanged.
package audit
