// Package audit keeps the record of changes: who did what, when, from where, and what it was before and after.
//
// A [Record] is one change, and a [Log] is where records go. [MemoryLog] keeps the latest ones, [Slog] writes
// them to a logger, package sqlstore has one in a database, in the transaction of the change, and [Tee] does
// several of these at once. Package audittest says whether a log of your own keeps its promises.
//
// A record holds no key and no digest. Logs store what they are given: whoever makes a record sees to that.
package audit
