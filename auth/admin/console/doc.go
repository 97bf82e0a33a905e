// Package console is the web pages over package auth/admin: keys, roles, the public API and the audit log, in the
// browser, at the addresses that Cockpit has for them when mounted under /system.
//
// [Handler] is all of it. Its pages are rendered on the server, work without scripts, and load nothing from elsewhere;
// everything is embedded in the program. They decide nothing by themselves: each page asks the admin.Service for the
// user who is signed in, which the guard's Config.SignedIn names, and says so where a permission is missing.
//
//	/               to users/user
//	/users/user     one's own key
//	/users          other users, /users/user/{id} the key of one
//	/api            custom keys, /api/create a new one, /api/key/{id} one of them
//	/api/public     the public API: what everybody may do who shows no key
//	/users/roles    roles, /users/roles/create a new one, /users/roles/role/{appid} one of them
//	/users/roles/matrix    who may do what, and why
//	/audit          what was changed, and by whom
//
// Every answer has a strict Content-Security-Policy without inline code. Changes are POSTs, refused when they come from
// another origin. A form carries the revision of what it shows, so nobody undoes by accident what somebody else has
// done meanwhile, and sees both if both have typed. The value of a key stands in one answer: the page after it was made,
// which no cache keeps. A form that is sent twice makes one key.
package console
