// Package adminapi has nothing to import. Its tests hold the JSON API of package auth/admin against the OpenAPI 3.1
// document that it serves, with a validator that the library itself does not depend on, and run it over SQLite and
// PostgreSQL.
package adminapi
