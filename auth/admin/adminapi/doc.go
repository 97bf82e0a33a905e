// Package adminapi is the JSON API over [admin.Service]: keys, users' keys, roles, the public API and the audit log.
//
//	mux.Handle("/admin/", http.StripPrefix("/admin", adminapi.Handler(service)))
//
// [Handler] authenticates with the service's guard and leaves every decision to the service. It is described by the
// OpenAPI 3.1 document that it serves as /openapi.json.
package adminapi
