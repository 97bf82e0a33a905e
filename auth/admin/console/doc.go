// Package console is the web pages over package auth/admin: keys, roles, the public API and the audit log, in the
// browser, at the addresses that Cockpit has for them when mounted under /system.
//
// [Handler] serves the pages. They are rendered on the server, work without scripts, and load nothing from elsewhere;
// everything is embedded in the program. They make no decisions: each page calls the admin.Service
// for the user whom the guard's Config.SignedIn names, and says which permission is missing.
//
//	/               to users/user
//	/users/user     the user's own key
//	/users          other users, /users/user/{id} the key of one
//	/api            custom keys, /api/create a new one, /api/key/{id} one of them
//	/api/public     the public API: the access of callers without a key
//	/users/roles    roles, /users/roles/create a new one, /users/roles/role/{appid} one of them
//	/users/roles/matrix    which role may do what, and why
//	/audit          the audit log
//
// Every answer has a strict Content-Security-Policy without inline code. Changes are POSTs, refused when they come from
// another origin. A form carries the revision that it shows, so no user overwrites the change of another by accident; the
// page then shows both. Only the page after a key was made has its value, and no cache keeps that page. A form that is
// sent twice makes one key.
package console
