// Package admin manages keys, roles and the public API. Packages adminapi and console serve it as a JSON API and as
// pages.
//
// A [Service] has the operations. Each takes the [auth.Principal] that asks for it, and needs the permission that
// Cockpit needs for it:
//
//	app/api/manage    custom keys and the public API
//	app/roles/manage  roles
//	app/users/manage  other users' keys
//	app/logs          the audit log
//
// One's own user key needs none: users who are signed in, or present a user key, may see, make, refresh and end it. So
// may a custom key with itself, but for making one.
// Callers without a key or a sign-in manage nothing, whatever the public role says. The old value of a key that
// was refreshed with an overlap cannot manage anything either: it may be used until it ends. A client that lost the new value goes on with the old one;
// its operator refreshes the key again.
//
// You can't grant more access than you have. A new key, a key that is changed, refreshed or enabled, a role that is saved
// and the role of the public API must be covered by what the caller may do, key scopes included, as [roles.Policy.Covers]
// tells. A key that is made, widened or enabled with another key expires no later than that key, and is valid from no
// other networks. To change or delete a role you need all access that it and the roles that inherit from it give, before
// and after the change. Pausing and ending a key and closing the public API need the permission alone.
//
// Each change is one step: within [Config.InTx] the caller and the stored state are read and judged, the change is made
// and written to the audit log, or nothing is done. Comparing access can be costly, so it is done before, under a budget,
// and again inside only if it is cheap. A comparison beyond the budget is [roles.ErrBudget], and nothing was done. No
// record in the log holds a key or a digest. The value of a key leaves this package once, from the call that made it.
package admin
