// Package fresh decides how long cached answers of a store that several processes share may be used.
//
// It keeps two promises. A cached answer is never older than the staleness, and on the node that made a change never older
// than that change. A store error is never an answer: once nothing confirms a cached answer, callers receive the error, and
// a revoked key stays revoked.
//
// A [State] makes the decisions. It has no goroutine, lock or clock, so a simulation can replay any order of events. A
// [Follower] runs one: it polls the store and lets callers wait for a poll. A [Group] lets callers who need the same
// answer wait for one call of the store. [Listeners] are functions to call after a change.
package fresh
