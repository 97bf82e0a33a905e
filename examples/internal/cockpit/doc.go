// Package cockpit tests the importer of auth/cockpit over real databases: it reads the file that a Cockpit 2.13.2 has
// written, with modernc.org/sqlite, and brings it into sqlstore's stores on SQLite and PostgreSQL. The importer's other
// tests lie beside it.
package cockpit
