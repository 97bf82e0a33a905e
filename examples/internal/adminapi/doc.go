// Package adminapi has only tests. They check the JSON API of package auth/admin/adminapi against the OpenAPI 3.1
// document that it serves, with a validator that the library does not depend on, and run it over SQLite and
// PostgreSQL.
package adminapi
