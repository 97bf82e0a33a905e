// Package cockpit tests the importer of auth/cockpit over real databases: it reads a file that Cockpit 2.13.2 has
// written, with modernc.org/sqlite, and imports it into sqlstore's stores on SQLite and PostgreSQL. The importer's
// other tests are in its own package.
package cockpit
